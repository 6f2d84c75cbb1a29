"""`vreid doctor`: what this machine has and lacks, each check with its answer and what to do. Changes nothing."""

from services.cli.doctor.command import doctor

__all__ = ["doctor"]
