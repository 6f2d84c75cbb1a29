"""What looks, times, zones, class and colour say for a sighting's being an identity, in nats. Never assigns."""
