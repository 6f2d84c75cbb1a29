"""Boxes over time to tracklets (one camera), tracklets to identities (many cameras), tracking metrics. Pure, no I/O."""
