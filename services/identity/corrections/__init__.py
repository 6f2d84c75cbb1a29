"""What a person puts right: merges, splits, and taking either back. Never decides by itself."""
