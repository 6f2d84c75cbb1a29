"""Heads: from a feature map to vectors. Each is a module of its own; none knows of backbones or losses.

A new pooling is one file (or class) here and one line in `reid.heads.pooling.POOLINGS`.
"""
