"""Retrieval without training on vehicles: colours, keypoints, words, pooled ImageNet maps. Measured, never served."""
