"""`vreid up` on pictures and streams that are not the city's."""

import json
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def test_a_real_photograph_becomes_a_sighting_with_an_identity(start_product, new_address, tmp_path, monkeypatch):
    """A dependency ships a street photograph with a bus; shown for some seconds it is a vehicle like any other."""
    photograph = Path(find_spec("ultralytics").origin).parent / "assets" / "bus.jpg"
    monkeypatch.setenv("VREID_MATCHER__LISTEN", new_address())
    product = start_product(
        "up", "--camera", f"street={photograph}", "--once", "--json", "--data-dir", str(tmp_path / "d")
    )
    document = product.document(120)
    assert document["sightings"] >= 1
    assert document["identities"] >= 1
    assert document["cameras"]["street"]["state"] == "ended"


def test_an_unreachable_camera_is_down_and_the_other_goes_on(start_product, new_address, tmp_path, monkeypatch):
    photograph = Path(find_spec("ultralytics").origin).parent / "assets" / "bus.jpg"
    address = new_address()
    monkeypatch.setenv("VREID_MATCHER__LISTEN", address)
    nobody = new_address()
    metrics = {role: new_address() for role in ("ingest", "matcher", "web", "supervisor")}
    monkeypatch.delenv("PYTEST_CURRENT_TEST", raising=False)  # by it NiceGUI believes to be tested itself
    monkeypatch.setenv("VREID_METRICS__ENABLED", "true")
    monkeypatch.setenv("VREID_LOGGING__FORMAT", "json")
    monkeypatch.setenv("VREID_WEB__LISTEN", new_address())
    for role, where in metrics.items():
        monkeypatch.setenv(f"VREID_METRICS__{role.upper()}_PORT", where.rpartition(":")[2])
    product = start_product(
        "up",
        "--camera",
        f"street={photograph}",
        "--camera",
        f"gone=rtsp://user:secret@{nobody}/stream",
        "--data-dir",
        str(tmp_path / "d"),
    )
    cameras = wait_for_cameras(
        address, 90, lambda found: found.get("gone") == "down" and found.get("street") == "ended"
    )
    assert "secret" not in json.dumps(cameras)
    told = {role: scraped(f"http://{where}/metrics") for role, where in metrics.items()}
    assert 'vreid_ingest_camera_up{camera_id="gone"} 0.0' in told["ingest"]
    assert 'vreid_ingest_frames_inferred_total{camera_id="street"}' in told["ingest"]
    assert "vreid_detector_batch_seconds_count" in told["ingest"]
    assert "vreid_matcher_serving 1.0" in told["matcher"]
    assert 'vreid_matcher_lease_held{lease="associator"} 1.0' in told["matcher"]
    assert "vreid_web_viewers 0.0" in told["web"]
    assert 'vreid_supervisor_role_up{role="matcher"} 1.0' in told["supervisor"]
    for role in ("ingest", "matcher"):
        lines = (tmp_path / "d" / "logs" / f"{role}.log").read_text().splitlines()
        assert lines
        assert {json.loads(line)["role"] for line in lines if line.startswith("{")} == {role}
        assert "secret" not in "".join(lines)
    product.process.terminate()
    assert product.process.wait(60) == 0


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("site: north\ncameras:\n  - id: gate\n    urll: rtsp://192.0.2.1/x\n", ("vreid.yaml:4", "cameras.0.urll")),
        ("sight: north\n", ("vreid.yaml:1", "sight")),
        ("site: [\n", ("vreid.yaml:2",)),
        ("tracker:\n  tracklets:\n    min_boxes: many\n", ("vreid.yaml:3", "min_boxes")),
    ],
)
def test_a_malformed_configuration_names_line_and_key(start_product, tmp_path, text, names):
    (tmp_path / "vreid.yaml").write_text(text)
    product = start_product("up", "--config", str(tmp_path / "vreid.yaml"))
    _, err = product.process.communicate(timeout=60)
    assert product.process.returncode == 1
    assert err.count("\n") == 1
    for name in names:
        assert name in err
    assert not (tmp_path / "vreid-data").exists()


def scraped(url, within_s=90):
    """What a metrics endpoint says, once its process has started."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def wait_for_cameras(address, timeout_s, enough):
    deadline = time.monotonic() + timeout_s
    vreid = Path(sys.executable).with_name("vreid")
    while time.monotonic() < deadline:
        result = subprocess.run(
            [vreid, "camera", "list", "--address", address, "--json"], capture_output=True, text=True, check=False
        )
        if result.returncode == 0:
            cameras = json.loads(result.stdout)
            if enough({camera["camera_id"]: camera["state"] for camera in cameras}):
                return cameras
        time.sleep(0.5)
    raise AssertionError(f"cameras never got there: {result.stdout} {result.stderr}")
