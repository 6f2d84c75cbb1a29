"""Goes on training a published detector for the cameras at hand. Never serves, and loads torch."""
