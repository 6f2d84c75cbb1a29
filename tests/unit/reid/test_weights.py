from pathlib import Path

import numpy as np

import reid.config
from reid.checkpoint import load_checkpoint
from reid.config import read_config
from reid.data import read_folder
from reid.embedding import embed_samples
from reid.evaluation import cross_camera
from reid.metadata import CheckpointMetadata, metadata_path, model_id, read_document
from reid.weights import default_weights

CONFIGS = Path(reid.config.__file__).parent / "configs"


def test_the_default_model_is_small_described_and_attributed():
    weights = default_weights()
    assert weights.stat().st_size < 12_000_000
    metadata = read_document(metadata_path(weights), CheckpointMetadata)
    assert metadata.architecture.dim <= 256
    assert metadata.training_command
    card = weights.with_name("CARD.md").read_text()
    for name in ("M. K. Truong Nguyen", "L. Nguyen Thanh", "Apache-2.0", "sweethome3d-furniture", "CC BY 3.0", "CC0"):
        assert name in card


def test_the_default_model_tells_painted_vehicles_apart(small_city):
    net, metadata = load_checkpoint(default_weights())
    samples = read_folder(small_city, "city", "veri").samples
    vectors = embed_samples(net, samples, metadata.preprocessing)
    figures = cross_camera(vectors, [s.vehicle for s in samples], [s.camera for s in samples])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert figures.rank1 >= 0.9


def test_the_shipped_configuration_is_valid_and_describes_the_shipped_model():
    config = read_config(CONFIGS / "far.yaml")
    metadata = read_document(metadata_path(default_weights()), CheckpointMetadata)
    assert config.name == default_weights().stem
    assert (config.architecture, config.preprocessing) == (metadata.architecture, metadata.preprocessing)
    assert config.seed == metadata.seed


def test_the_default_model_keeps_its_name_while_its_weights_stay():
    """Galleries hold vectors under this name. It changes with new weights only."""
    metadata = read_document(metadata_path(default_weights()), CheckpointMetadata)
    named = model_id(default_weights(), metadata.preprocessing, metadata.head_version)
    assert named == "66de0ece3fb066c7b43171c90c985ce7996384acc5cbb049525c8384c1241602"
