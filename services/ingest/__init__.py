"""Camera streams to sightings."""
