"""Which vehicles the network so far takes for each other, over all training pictures. Moves no weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from reid.data import Sample
from reid.embedding import embed_samples
from reid.evaluation.ranking import encode
from reid.mining.semi_hard_offline import mine_offline
from reid.model import ReidNet
from reid.preprocess import Preprocessing
from reid.sampler import Alike, Identity

#: A negative is semi-hard up to this far beyond the positive, in distance between unit vectors.
MARGIN = 0.2


def hard_vehicles(
    net: ReidNet, samples: Sequence[Sample], preprocessing: Preprocessing, seed: tuple[int, int]
) -> Alike:
    """Mines one semi-hard triplet for each picture, within its domain, and tells their vehicles.

    Args:
        net: As it is now.
        samples: All that is learned from.
        preprocessing: Of the network.
        seed: Of the draws among equals.

    Returns:
        Of each vehicle those of its domain that its pictures' semi-hard negatives show, most often first; none for a
        vehicle with no such picture.

    Raises:
        DataError: A picture cannot be read any more, or no vehicle of a domain has two.
    """
    vectors = embed_samples(net, samples, preprocessing)
    (labels,), (cameras,) = encode([s.identity for s in samples]), encode([(s.domain, s.camera) for s in samples])
    (domains,) = encode([s.domain for s in samples])
    rng = np.random.default_rng(seed)
    found: dict[Identity, Counter[Identity]] = {sample.identity: Counter() for sample in samples}
    for rows in (np.flatnonzero(domains == domain) for domain in np.unique(domains)):
        if len(np.unique(labels[rows])) > 1:
            triplets = mine_offline(vectors[rows], labels[rows], rng, margin=MARGIN, cameras=cameras[rows])
            for anchor, _, negative in rows[triplets].tolist():
                found[samples[anchor].identity][samples[negative].identity] += 1
    return {identity: [other for other, _ in others.most_common()] for identity, others in found.items()}
