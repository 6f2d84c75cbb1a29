import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from reid.config import recipe_names
from reid.errors import DataError, TrainingError
from reid.run import RunOptions
from reid.sweep import SWEEPS, read_sweep, run_sweep

TINY = {
    "architecture": {"dim": 16, "pooling": "gap"},
    "preprocessing": {"input_hw": [32, 32]},
    "domains": {"city": {"layout": "pattern", "pattern": "veri", "select": 4, "calibrate": 4}},
    "frozen": [],
    "vehicles": 6,
    "pictures": 2,
    "batches": 3,
    "epochs": 1,
    "tensorboard": False,
}


@pytest.mark.parametrize("name", sorted(path.stem for path in SWEEPS.glob("*.yaml")))
def test_shipped_sweeps_are_whole_and_give_all_runs_equal_budgets(name):
    runs = read_sweep(name)
    assert len({(c.epochs * c.batches, c.vehicles, c.pictures, c.seed) for c in runs.values()}) == 1
    assert len({c.model_dump_json(exclude={"name"}) for c in runs.values()}) == len(runs)


def test_sweeps_cover_what_is_to_be_compared():
    backbones = {config.architecture.backbone for config in read_sweep("backbones").values()}
    assert backbones == {"osnet_x0_25", "osnet_x0_5", "mobilenetv2_x1_0", "efficientnet_lite0"}
    objectives = [config.objective for config in read_sweep("losses").values()]
    assert {o.miner for o in objectives} == {"batch-all", "batch-hard", "batch-weighted", "batch-sample", "uniform"}
    assert [o.metric for o in objectives].count("none") == 1
    assert "default" in recipe_names()
    toolbox = read_sweep("toolbox").values()
    assert {config.objective.metric for config in toolbox} >= {
        "triplet",
        "contrastive",
        "siamese",
        "coupled-clusters",
        "mixed-difference",
        "circle",
        "weak-ranking",
    }
    assert {config.architecture.pooling for config in toolbox} >= {
        "gem",
        "gap",
        "spoc",
        "mac",
        "r-mac",
        "netvlad",
        "second-order",
        "local-global",
    }
    assert any(config.objective.classifier == "circle" for config in toolbox)
    assert {"semi-hard", "distance-weighted", "uniform"} <= {config.objective.miner for config in toolbox}
    assert any(config.objective.offline for config in toolbox)
    assert any(config.architecture.levels for config in toolbox)
    assert any(config.objective.attributes == ("colour", "class", "view") for config in toolbox)


def test_rows_are_trained_once_and_compared_on_the_same_vehicles(small_city, tmp_path):
    file = tmp_path / "mine.yaml"
    runs = {"hard": {}, "uniform": {"changes": {"objective": {"miner": "uniform"}}}}
    file.write_text(yaml.safe_dump({"changes": {"epochs": 5}, "runs": runs}))
    configs = read_sweep(str(file), TINY)
    assert {config.epochs for config in configs.values()} == {1}
    trained = []

    def options(title, config, start="none"):
        return RunOptions(start, progress=lambda done, _: trained.append(title) if done == 1 else None)

    rows = list(run_sweep(configs, {"city": small_city}, tmp_path / "out", options))
    assert [row["run"] for row in rows] == ["hard", "uniform"] == trained
    for row in rows:
        assert 0 <= row["score"] <= 1
        assert set(row["domains"]["city"]) == {"rank1", "mAP"}
        assert np.isfinite(row["ms_per_crop"])
        assert row["parameters"] > 2_000_000
        assert row["batches"] == 3
    (again,) = run_sweep({"hard": configs["hard"]}, {"city": small_city}, tmp_path / "out", options)
    assert again["score"] == rows[0]["score"]
    assert len(trained) == 2
    for change in ({"seed": 8}, {"learning_rate": 1e-5}):
        other = read_sweep(str(file), TINY | change)
        with pytest.raises(TrainingError, match=f"another configuration: {next(iter(change))} differ"):
            list(run_sweep(other, {"city": small_city}, tmp_path / "out", options))
    with pytest.raises(TrainingError, match="hard was begun with other weights to start from"):
        list(
            run_sweep(configs, {"city": small_city}, tmp_path / "out", partial(options, start=Path(rows[0]["weights"])))
        )
    fewer = tmp_path / "fewer"
    shutil.copytree(small_city, fewer)
    for path in fewer.glob("0003_*"):
        path.unlink()
    with pytest.raises(TrainingError, match="other pictures"):
        list(run_sweep(configs, {"city": fewer}, tmp_path / "out", options))
    (tmp_path / "out/hard/last.pt").unlink()
    with pytest.raises(TrainingError, match=r"hard holds a run without last\.pt"):
        list(run_sweep(configs, {"city": small_city}, tmp_path / "out", options))
    assert len(trained) == 2


@pytest.mark.parametrize("step", ["write_document", "save_file"])
def test_a_sweep_killed_while_it_writes_a_checkpoint_goes_on(small_city, tmp_path, monkeypatch, step):
    class KilledError(Exception):
        pass

    def kill(*given):
        for path in given:
            if isinstance(path, Path):
                path.write_bytes(b"half")
        raise KilledError

    def rows():
        return list(run_sweep(configs, {"city": small_city}, tmp_path / "out", lambda *_: RunOptions(resume=True)))

    (tmp_path / "mine.yaml").write_text("runs: {one: {}}")
    configs = read_sweep(str(tmp_path / "mine.yaml"), TINY | {"batches": 2})
    with monkeypatch.context() as patch:
        patch.setattr(f"reid.checkpoint.{step}", kill)
        with pytest.raises(KilledError):
            rows()
    assert not list(tmp_path.glob("out/one/*.safetensors"))
    (row,) = rows()
    assert json.loads(Path(row["weights"]).with_suffix(".json").read_text())["seed"] == configs["one"].seed
    assert not list(tmp_path.glob("out/one/*.part"))


def test_sweeps_that_are_none_are_refused(tmp_path):
    with pytest.raises(DataError, match="there are backbones, batches, losses, toolbox"):
        read_sweep("colours")
    (tmp_path / "odd.yaml").write_text("runs: {}")
    with pytest.raises(DataError, match="runs"):
        read_sweep(str(tmp_path / "odd.yaml"))
    (tmp_path / "odd.yaml").write_text("runs: {a: {recipe: none-such}}")
    with pytest.raises(DataError, match="no recipe"):
        read_sweep(str(tmp_path / "odd.yaml"))
