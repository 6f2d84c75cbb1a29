"""The identity store: Redis as the system of record."""
