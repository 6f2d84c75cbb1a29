"""Slow, obvious judges to compare with, and small worlds of vectors with ties."""

import numpy as np

from reid.evaluation.ranking import Embedded, Side


def unit(rows) -> np.ndarray:
    rows = np.asarray(rows, np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def side(vehicles, cameras, first_picture: int = 0) -> Side:
    n = len(vehicles)
    pictures = np.arange(first_picture, first_picture + n)
    return Side(np.asarray(vehicles, np.int64), np.asarray(cameras, np.int64), pictures, np.arange(n))


def embedded(vectors, vehicles, cameras, first_picture: int = 0) -> Embedded:
    return Embedded(side(vehicles, cameras, first_picture), vectors)


def naive_places(query, gallery, sees):
    """Per query the places of right answers, by sorting in Python: wrong before right among equals."""
    found = []
    for q in range(len(query.side)):
        listed = []
        for g in range(len(gallery.side)):
            if sees(q, g):
                pairs = zip(query.vectors[q], gallery.vectors[g], strict=True)
                similarity = sum(float(a) * float(b) for a, b in pairs)
                listed.append((-round(similarity, 5), gallery.side.vehicles[g] == query.side.vehicles[q]))
        listed.sort()
        found.append([place for place, (_, right) in enumerate(listed, start=1) if right])
    return found


def naive_figures(places):
    """rank-1, rank-5, mAP, mINP and the number of queries with a right answer."""
    judged = [p for p in places if p]
    return (
        np.mean([p[0] == 1 for p in judged]),
        np.mean([p[0] <= 5 for p in judged]),
        np.mean([np.mean([n / place for n, place in enumerate(p, start=1)]) for p in judged]),
        np.mean([len(p) / p[-1] for p in judged]),
        len(judged),
    )


def figures(judged):
    from reid.evaluation import metrics

    return (
        metrics.rank_at(judged, 1),
        metrics.rank_at(judged, 5),
        metrics.mean_average_precision(judged),
        metrics.mean_inverse_negative_penalty(judged),
        len(judged),
    )
