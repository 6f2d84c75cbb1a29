"""What goes wrong with a city's cameras, by script: kinds of faults, when they hold, what they do to a stream."""
