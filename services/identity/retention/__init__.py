"""What is kept how long, and the proof that the rest is gone. Never decides which vehicle a sighting shows."""
