"""Embeddings made up of parts as real ones are, at a stated rank-1. Knows nothing of association."""
