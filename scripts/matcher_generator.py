"""Fits the vectors of `vreid bench matcher` anew to the default network's embeddings of a set's test pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmarks.matcher.generator import fit_generator, save_generator
from reid.checkpoint import load_checkpoint
from reid.data import read_set
from reid.embedding import embed_samples
from reid.weights import default_weights


def main() -> None:
    """Reads the set, embeds it and writes the parameters beside the generator."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="a set in VeRi-776's layout, as `vreid simulate dataset` writes it")
    samples = read_set(parser.parse_args().data, "veri").pool
    net, metadata = load_checkpoint(default_weights())
    vectors = embed_samples(net.eval(), samples, metadata.preprocessing)
    save_generator(fit_generator(vectors, np.array([int(sample.vehicle) for sample in samples], np.int64)))


if __name__ == "__main__":
    main()
