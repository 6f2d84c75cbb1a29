from pathlib import Path

import pytest

from simulator.clock import CameraClock
from simulator.errors import CityError
from simulator.rtsp.faults.kinds import KINDS, Drop, Resolution
from simulator.rtsp.faults.script import load_script, parse_script, plan_for

CAMERAS = ("north", "bridge")


@pytest.fixture
def script(tmp_path):
    def write(text):
        path = tmp_path / "faults.yaml"
        path.write_text(text)
        return path

    return write


def test_a_whole_script(script, tmp_path):
    path = script(
        """
        faults:
          - {camera: north, at_s: 20, kind: drop, for_s: 10, how: refuse}
          - {kind: resolution, clip: small.mp4}
        random: {seed: 3, every_s: 30, kinds: [stall]}
        clocks: {north: {offset_s: 5, steps: [[60, 5]]}, "*": {drift_ppm: 40}}
        delay_s: {bridge: 0.5}
        """
    )
    plan = plan_for(load_script(path), CAMERAS)
    assert plan.schedule.faults[0] == Drop(camera="north", at_s=20, for_s=10, how="refuse")
    assert plan.schedule.faults[1] == Resolution(clip=tmp_path / "small.mp4")
    assert plan.schedule.random.kinds == ("stall",)
    assert plan.clocks == {"north": CameraClock(5.0, 40.0, ((60.0, 5.0),)), "bridge": CameraClock(0.0, 40.0)}
    assert plan.delays_s == {"bridge": 0.5}


def test_an_empty_script_is_one(script):
    assert plan_for(load_script(script("")), CAMERAS).schedule.faults == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("faults: [{kind: drop}, {kind: dorp}]", "faults entry 2: kind 'dorp' does not match any of the expected"),
        ("faults: [{camera: north}]", "faults entry 1: kind is missing"),
        ("faults: [{kind: drop, for: 3}]", "faults entry 1: for: no such key"),
        ("faults: [{kind: drop, for_s: -3}]", "faults entry 1: for_s: Input should be greater than 0"),
        ("faults: [{kind: drop, for_s: yes}]", "faults entry 1: for_s: Input should be a valid number"),
        ("faults: [{kind: drop, at_s: .nan}]", "faults entry 1: at_s: Input should be a finite number"),
        ("faults: [{kind: drop, times: 2}]", "faults entry 1: times needs repeat_every_s"),
        ("faults: [{kind: drop, for_s: 3, repeat_every_s: 2}]", "faults entry 1: repeat_every_s needs for_s"),
        ("faults: [{kind: slow}]", "faults entry 1: give kbit_s, latency_s or jitter_s"),
        ("faults: [{kind: resolution, scale: 2, size: [32, 32]}]", "faults entry 1: give one of scale, size and clip"),
        ("faults: [{kind: resolution, size: [32, 33]}]", "faults entry 1: size: 1: Input should be a multiple of 2"),
        ("faults: [{kind: restart, for_s: null}]", "faults entry 1: for_s is needed"),
        ("faults: [{kind: loss, share: 2}]", "faults entry 1: share: Input should be less than or equal to 1"),
        ("faults: [drop]", "faults entry 1: Input should be an object"),
        ("fualts: []", "fualts: no such key"),
        ("- a", "expected the keys faults, random, clocks, delay_s"),
        ("random: {seed: 1, every_s: 2}", "random: every_s must not be shorter than for_s"),
        ("random: {seed: 1, every_s: 20, kinds: []}", "random: kinds: "),
        ("clocks: {north: {ofset_s: 2}}", "clocks: north: ofset_s: no such key"),
        ("clocks: {north: {steps: [[60]]}}", "clocks: north: steps: 0: 1: Field required"),
        ("faults: [", "line 1: not valid YAML"),
        (
            "faults: [{kind: drop, camera: nroth}]",
            "faults entry 1: camera: no camera 'nroth'; the city has north, bridge",
        ),
        ("clocks: {nroth: {offset_s: 2}}", "clocks: no camera 'nroth'; the city has north, bridge"),
        ("delay_s: {nroth: 2}", "delay_s: no camera 'nroth'; the city has north, bridge"),
        ("delay_s: {north: -2}", "delay_s: north: must not be negative, got -2"),
        ("random: {seed: 1, every_s: 20, camera: w}", "random: camera: no camera 'w'"),
    ],
)
def test_a_mistake_is_one_line_with_file_entry_and_key(script, text, says):
    path = script(text)
    with pytest.raises(CityError) as caught:
        plan_for(load_script(path), CAMERAS, str(path))
    assert str(caught.value).startswith(f"{path}: {says}")
    assert "\n" not in str(caught.value)


def test_a_script_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(CityError, match=r"none\.yaml: No such file"):
        load_script(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CityError, match=r"bytes\.yaml: "):
        load_script(tmp_path / "bytes.yaml")


def test_a_password_is_not_shown():
    script = parse_script({"faults": [{"kind": "password", "password": "hunter2"}]})
    assert "hunter2" not in repr(script)


def test_every_kind_says_what_its_keys_are_for():
    for kind in KINDS.values():
        assert kind.__doc__
        assert kind.model_fields["kind"].default in KINDS


def test_a_resolution_keeps_pixels_even():
    assert Resolution().size_of(642, 362) == (320, 180)
    assert Resolution(scale=0.01).size_of(640, 360) == (16, 16)
    assert Resolution(size=(320, 100)).size_of(640, 360) == (320, 100)
    assert Resolution(clip=Path("x.mp4")).summary() == "x.mp4, in_band"
