"""Backbones: from normalised pictures to feature maps, torchreid's and our own, and weights to start them from.

A new backbone of our own is one file here and one line in `reid.backbones.build.OWN`.
"""

from reid.backbones.build import FeatureMaps, build_backbone
from reid.backbones.published import imagenet_to_torchreid, load_imagenet, read_imagenet_weights

__all__ = ["FeatureMaps", "build_backbone", "imagenet_to_torchreid", "load_imagenet", "read_imagenet_weights"]
