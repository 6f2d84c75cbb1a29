"""The measuring commands at a size that ends in seconds: they run whole and say what they promise."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.pipeline.faults import FaultBench, run_faults
from benchmarks.pipeline.footage import Footage, published
from benchmarks.pipeline.outage import outage
from benchmarks.pipeline.soak import soak

ROOT = Path(__file__).resolve().parents[3]


def quiet(*_):
    pass


def test_ours_and_the_bounds_on_a_few_frames():
    command = [sys.executable, "-m", "services.cli.main", "bench", "pipeline", "--frames", "40", "--json"]
    command += ["--only", "ours", "--only", "decode_only", "--only", "detector_only"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    for name in ("ours", "decode_only", "detector_only"):
        row = document[name]
        assert row["frames_per_s"] > 0
        assert row["cpu_s_per_frame"] > 0
        assert row["peak_mb"] > 50
    assert document["ours"]["idf1"] > 0.3
    assert document["decode_only"]["idf1"] is None
    assert document["decode_only"]["cpu_s_per_frame"] < document["ours"]["cpu_s_per_frame"]
    assert document["share_of_bound"] > 0
    assert document["ratio_to_naive"] is None


def test_an_outage_of_the_store_costs_and_doubles_nothing():
    document = outage(published(), 3.0, quiet)
    assert document["handed_over"] > 0
    assert (document["missing"], document["doubled"], document["out_of_order"]) == (0, 0, 0)
    assert document["dropped"] == {}


def test_a_soak_runs_round_after_round():
    document = soak(Footage("demo", ("market", "north"), 0, 40), 320, quiet)
    assert document["frames"] == 320
    assert document["dropped"] == {}
    assert document["end_mb"] > 0
    assert document["threads"][1] <= document["threads"][0]


@pytest.mark.timeout(400)
def test_a_drop_is_seen_and_survived():
    document = run_faults(FaultBench(copies=1, kinds=("drop",), trials=1, before_s=4.0, fault_s=4.0), quiet)
    assert document["cameras"] == 4
    assert document["trials"]["drop"]["back_s"] is not None
    assert document["ids_reused"] == 0
