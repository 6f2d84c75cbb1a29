"""`vreid bench embed` as a command, its crops and its arithmetic."""

import json
import os

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from benchmarks.embed.crops import NoCropsError, city_crops, folder_crops
from benchmarks.embed.run import EmbedBench, keep_to_cores, time_embedders
from reid.types import Calibration, EmbedderSpec
from services.cli.main import app


@pytest.fixture(autouse=True)
def _as_before():
    threads, cores = torch.get_num_threads(), os.sched_getaffinity(0)
    yield
    torch.set_num_threads(threads)
    os.sched_setaffinity(0, cores)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "in" / "deeper").mkdir(parents=True)
    for n in range(32):
        picture = rng.integers(0, 256, (20 + n, 30 + 2 * n, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "in" / ("deeper" if n % 2 else "") / f"{n:02d}.png"), picture)
    (tmp_path / "in" / "broken.jpg").write_text("no picture")
    return tmp_path / "in"


def test_the_command_times_both_on_crops_of_a_folder(folder):
    call = ["bench", "embed", "--crops", str(folder), "--ci", "--cores", "1"]
    done = CliRunner().invoke(app, [*call, "--json"])
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["ours_ms_per_crop"] > 0
    assert found["ratio"] == pytest.approx(found["torchreid_ms_per_crop"] / found["ours_ms_per_crop"], rel=0.01)
    assert found["input_size"] == {"ours": [192, 192], "torchreid": [256, 128]}
    assert (found["crops"], found["cores"], found["batch"], found["rounds"]) == (16, 1, 16, 2)
    assert found["batch_1"]["ours_ms_per_crop"] > 0
    assert found["crop_size_px"]["least"] < found["crop_size_px"]["largest"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--crops", "absent"], "no folder absent"),
        (["--crops", "."], "no .jpg or .png picture in"),
        (["--model", "nothing", "--crops", "{folder}"], "no model named 'nothing'"),
    ],
)
def test_what_cannot_be_timed_is_one_line(arguments, told, folder, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    done = CliRunner().invoke(app, ["bench", "embed", "--ci", *(word.format(folder=folder) for word in arguments)])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert told in done.stderr.splitlines()[-1]


def test_the_bundled_city_gives_crops_of_many_sizes():
    crops = city_crops(24)
    assert len(crops) == 24
    assert len({crop.shape for crop in crops}) > 12
    assert all(crop.dtype == np.uint8 and crop.shape[2] == 3 and crop.size for crop in crops)
    assert all(np.array_equal(a, b) for a, b in zip(crops, city_crops(24), strict=True))


def test_pictures_are_spread_over_the_folder(folder):
    assert len(folder_crops(folder, 100)) == 32
    assert len(folder_crops(folder, 5)) == 5
    with pytest.raises(NoCropsError, match="no folder"):
        folder_crops(folder / "absent", 5)


def test_every_side_gets_the_same_crops_in_turns_after_one_batch_to_warm_up():
    calls: list[tuple[str, list[int]]] = []

    def side(name):
        return lambda crops: calls.append((name, [int(crop[0, 0, 0]) for crop in crops]))

    crops = [np.full((4, 5 + n, 3), n, np.uint8) for n in range(6)]
    spec = EmbedderSpec("m", 8, (32, 48), Calibration(1.0, 0.0))
    found = time_embedders(EmbedBench(side("ours"), side("int8"), side("peer"), spec, 1, 2), crops)
    assert [name for name, _ in calls] == ["ours", "peer", "int8"] * 6
    assert all(calls[i][1] == calls[i + 1][1] == calls[i + 2][1] for i in range(0, 18, 3))
    assert [len(some) for _, some in calls] == [16] * 9 + [1] * 9
    assert calls[3][1][0] == 16 % 6
    assert found["int8"]["ratio"] > 0
    assert found["batch_1"]["int8"] is not None
    assert found["input_size"]["ours"] == [32, 48]
    assert found["crop_size_px"] == {"least": [4, 5], "median": [4, 8], "largest": [4, 10]}


def test_a_process_is_kept_to_its_cores():
    assert keep_to_cores(1) == 1
    assert len(os.sched_getaffinity(0)) == 1
    with pytest.raises(ValueError, match="cores must be >= 1"):
        keep_to_cores(0)
