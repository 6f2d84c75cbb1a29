"""Sightings to identities, and the gallery behind gRPC."""
