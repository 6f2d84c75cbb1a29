"""What survives: matcher and server are killed in the middle of changes, and power is cut."""
