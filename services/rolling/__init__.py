"""Changing the model of a running site: what is open, second vectors, what a switch would change."""
