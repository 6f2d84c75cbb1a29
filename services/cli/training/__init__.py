"""``vreid train``, ``calibrate`` and ``export``: makes embedding models. One command a file; all learning is reid's."""

from services.cli.training.calibrate import calibrate
from services.cli.training.export import export
from services.cli.training.train import train

__all__ = ["calibrate", "export", "train"]
