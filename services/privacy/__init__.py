"""What pictures may look like that are stored or shown."""
