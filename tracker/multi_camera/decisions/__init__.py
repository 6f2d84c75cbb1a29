"""Decisions on sightings: first ones, revisions, second looks, merges. Reads evidence; never works it out itself."""
