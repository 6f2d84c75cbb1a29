"""Draws the city with OpenGL in software: pictures, and which pixel shows which vehicle."""
