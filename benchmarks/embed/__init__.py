"""What it costs to embed a crop, beside the peer that people would use otherwise."""
