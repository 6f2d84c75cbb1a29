"""What can be seen of a running system from outside: metrics, logs, traces. Decides nothing and changes no answer."""
