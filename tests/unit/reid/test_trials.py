"""Trials over painted vehicles, small enough for seconds."""

from pathlib import Path

import pytest
import yaml

from reid.config import read_config, recipe_path
from reid.errors import DataError, TrainingError
from reid.run import RunOptions
from reid.trials import SPACES, Space, _configured, read_space, run_trials
from reid.types import Calibration

TINY = {
    "architecture": {"dim": 16, "pooling": "gap"},
    "preprocessing": {"input_hw": [32, 32]},
    "domains": {"city": {"layout": "pattern", "pattern": "veri", "select": 4, "calibrate": 4}},
    "frozen": [],
    "vehicles": 4,
    "pictures": 2,
    "batches": 6,
    "epochs": 1,
    "tensorboard": False,
}


@pytest.fixture(autouse=True)
def _calibrated(monkeypatch):
    """Runs of a few steps may not be good enough to calibrate."""
    monkeypatch.setattr(
        "reid.finish.calibrate_network", lambda _net, _preprocessing, *_parts: (Calibration(12.0, -6.0, 5.0), {})
    )


@pytest.fixture
def config():
    return read_config(recipe_path("default"), TINY)


def test_trials_follow_the_sampler_go_on_where_they_stopped_and_are_not_repeated(small_city, tmp_path, config):
    space = Space.model_validate(
        {
            "ranges": {
                "learning_rate": {"low": 1e-4, "high": 1e-2, "log": True},
                "objective.miner": {"choices": ["uniform", "batch-all"]},
            }
        }
    )
    trained = []

    def options(number, proposed):
        return RunOptions(start[0], progress=lambda done, _: trained.append(number) if done == 1 else None)

    def rows(count, seed_of=config):
        return list(run_trials(seed_of, space, {"city": small_city}, tmp_path / "out", count, options))

    start = ["none"]
    first = rows(1)
    both = rows(2)
    assert trained == [0, 1]
    assert both[0] == first[0]
    assert [row["trial"] for row in both] == [0, 1]
    for row in both:
        assert 1e-4 <= row["values"]["learning_rate"] <= 1e-2
        assert row["values"]["objective.miner"] in ("uniform", "batch-all")
        assert 0 <= row["score"] <= 1
    assert both[0]["values"] != both[1]["values"]
    with pytest.raises(TrainingError, match="another configuration: balance differ"):
        rows(1, config.model_copy(update={"balance": 0.1}))
    start[0] = Path(both[0]["weights"])
    with pytest.raises(TrainingError, match="trial-000 was begun with other weights to start from"):
        rows(1)
    start[0] = "none"
    with pytest.raises(TrainingError, match="another space or seed"):
        rows(1, config.model_copy(update={"seed": 8}))


@pytest.mark.parametrize("name", sorted(path.stem for path in SPACES.glob("*.yaml")))
def test_shipped_spaces_fit_the_default_recipe(name, config):
    space = read_space(name)
    values = {key: (asked.choices or (asked.low,))[0] for key, asked in space.ranges.items()}
    assert _configured(config, space, values).learning_rate == values["learning_rate"]


def test_spaces_that_are_none_are_refused(tmp_path, config):
    with pytest.raises(DataError, match="there are default"):
        read_space("magic")
    file = tmp_path / "odd.yaml"
    for odd in (
        {},
        {"low": 1},
        {"low": 2, "high": 1},
        {"low": 0, "high": 1, "log": True},
        {"low": 0, "high": 1, "choices": [1]},
    ):
        file.write_text(yaml.safe_dump({"ranges": {"learning_rate": odd}}))
        with pytest.raises(DataError, match="low < high"):
            read_space(str(file))
    both = {"objective": {"choices": ["a"]}, "objective.miner": {"choices": ["uniform"]}}
    for ranges in (both, dict(reversed(both.items()))):
        file.write_text(yaml.safe_dump({"ranges": ranges}, sort_keys=False))
        with pytest.raises(DataError, match=r"ranges has both objective and objective\.miner"):
            read_space(str(file))
    space = Space.model_validate({"ranges": {"objective.magic": {"choices": [1]}}})
    with pytest.raises(DataError, match=r"objective\.magic"):
        _configured(config, space, {"objective.magic": 1})
