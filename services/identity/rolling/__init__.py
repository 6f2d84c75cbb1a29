"""Which model's vectors a site compares, and how that is changed without losing an identity."""
