"""Data sets rendered in the city: pictures to train and judge re-identification on, and to train detectors on.

Owns what is shown and how it is written down; draws nothing itself (the renderer does) and knows no detector's code.
"""

from simulator.dataset.boxes import Detect, OpenDetect
from simulator.dataset.build import render_dataset
from simulator.dataset.plan import DetectionPlan, ReidPlan
from simulator.dataset.summary import Summary

__all__ = ["Detect", "DetectionPlan", "OpenDetect", "ReidPlan", "Summary", "render_dataset"]
