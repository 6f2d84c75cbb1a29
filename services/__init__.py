"""The processes and every adapter to the outside."""
