"""Failures of re-identification's own. Services map them to their error tree.

ReidError
├── DataError      a data set that cannot be trained on or judged with
├── ModelError     weights or an exported model missing, damaged or of another make
└── TrainingError  a run that cannot begin, or cannot go on
"""

from __future__ import annotations


class ReidError(Exception):
    """Base of the tree."""


class DataError(ReidError):
    """A data set that cannot be trained on or judged with."""


class ModelError(ReidError):
    """Weights or an exported model that is missing, damaged or of another make."""


class TrainingError(ReidError):
    """A run that cannot begin, or cannot go on."""
