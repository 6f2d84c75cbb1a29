"""Model files: what they are, where they come from, and their converted form. Nothing here runs a network."""
