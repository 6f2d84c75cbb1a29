"""Judges embeddings: protocols, figures, intervals, tables, a report. Needs vectors and labels; never loads torch."""

from reid.evaluation.cross_camera import cross_camera
from reid.evaluation.evaluate import PROTOCOLS, Evaluation, Pictures, Plan, Protocol, evaluate, sides, training_pool
from reid.evaluation.rerank import Rerank
from reid.evaluation.retrieval import Retrieval

__all__ = [
    "PROTOCOLS",
    "Evaluation",
    "Pictures",
    "Plan",
    "Protocol",
    "Rerank",
    "Retrieval",
    "cross_camera",
    "evaluate",
    "sides",
    "training_pool",
]
