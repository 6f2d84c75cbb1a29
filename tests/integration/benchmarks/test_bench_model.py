"""`vreid bench model` on a small case: rendered, trained, judged, by the very commands of the real run."""

import json
import shutil
import subprocess
import sys

import pytest

SMALL = {
    "epochs": 1,
    "batches": 2,
    "vehicles": 4,
    "pictures": 2,
    "domains.city.select": 2,
    "domains.city.calibrate": 2,
    "preprocessing.input_hw": "[64,64]",
    "tensorboard": "false",
}


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="meshes come from a Debian package; there is no apt-get")
def test_a_small_model_is_made_and_judged(tmp_path):
    command = [sys.executable, "-m", "services.cli.main", "bench", "model", "--out", str(tmp_path / "out")]
    command += ["--train", "8", "--test", "2", "--json"]
    for key, value in SMALL.items():
        command += ["--set", f"{key}={value}"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)

    if "no OpenGL" in done.stderr or "moderngl" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)["figures"]
    assert set(figures) == {"city", "city-masked", "city-untrained", "city-image-to-image"}
    assert figures["city"]["queries"] == figures["city-masked"]["queries"]
    assert figures["city"]["model_id"] != figures["city-untrained"]["model_id"]
    assert set(figures["city"]["tables"]) >= {"twin", "trained_body", "light"}
