"""Tracking metrics over plain arrays."""
