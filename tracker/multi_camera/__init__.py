"""Tracklets of many cameras to identities."""
