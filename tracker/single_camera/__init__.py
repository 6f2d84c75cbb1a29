"""Boxes of one camera over time to tracklets."""
