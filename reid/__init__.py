"""Crops in, unit vectors out; and all that makes and judges that network."""
