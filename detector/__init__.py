"""Frames in, vehicle boxes out. Nothing about time or identity."""
