"""``vreid evaluate association`` and ``components``: one document out, one line on failure."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from typer.testing import CliRunner

from services.cli.evaluate import app
from services.cli.evaluate.associating import Asked, judge_association, parse_step
from services.cli.evaluate.truth_files import SceneOptions, read_lesson, read_truth, recorded_tracklets, true_s
from services.errors import InputError
from simulator.clock import CameraClock
from simulator.recording import TrafficRequest, read_recording, record_traffic, write_recording
from tracker.evaluation.simulated.components import packaged_components
from tracker.evaluation.truth import SECOND_NS

OPTIONS = ("--seeds", "1", "--processes", "1", "--baseline", "greedy", "--rank1", "0.8")


@pytest.fixture
def scene(tmp_path):
    """Six vehicles past two cameras, twelve seconds apart."""
    lines = []
    for vehicle in range(1, 7):
        for camera in (1, 2):
            begin = 1 + 60 * vehicle + (120 if camera == 2 else 0)
            lines += [
                f"{camera} {vehicle} {frame} {10 * (frame - begin)} 200 64 48 -1 -1"
                for frame in range(begin, begin + 30)
            ]
    truth, offsets = tmp_path / "truth.txt", tmp_path / "offsets.txt"
    truth.write_text("\n".join(lines) + "\n")
    offsets.write_text("c001 0\nc002 1.5\n")
    return truth, offsets


def _run(*arguments):
    return CliRunner().invoke(app, ["association", *map(str, arguments)])


def _one_line(result):
    assert result.exit_code != 0
    assert result.stdout == ""
    assert result.stderr.startswith("vreid: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_json_document(scene):
    truth, offsets = scene
    result = _run("--truth", truth, "--offsets", offsets, "--fps", "2=10", *OPTIONS, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert list(document)[:4] == ["idf1", "idf1_at", "ci95", "baselines"]
    assert list(document["idf1_at"]) == ["0s", "2s", "10s", "end"]
    assert list(document["baselines"]) == ["greedy"]
    assert (document["tracklets"], document["vehicles"], document["cameras"]) == (12, 6, 2)
    assert 0.0 <= document["ci95"][0] <= document["idf1"] <= document["ci95"][1] <= 1.0
    assert document["rank1"]["asked"] == 0.8


def test_words_for_people(scene):
    more = ("--flat-time", "--skew", "5", "--step", "2=-5@20", "--learn", scene[0])
    result = _run("--truth", scene[0], *OPTIONS, *more)
    assert result.exit_code == 0, result.output
    assert "ours, 10 s" in result.stdout
    assert "ours, flat time" in result.stdout
    assert "learned by wrong clocks" in result.stdout
    assert "step of -5 s of c002 at 20 s: told" in result.stdout
    assert "new vehicles after 10s" in result.stdout


def test_offsets_and_rates_become_times(scene):
    truth, offsets = scene
    read = read_truth(truth, SceneOptions((offsets,), ("c002=20",)))
    by_camera = {t.camera_id: t for t in read if t.vehicle_id == 1}
    assert by_camera["c001"].start_ns == round(6.1 * SECOND_NS)
    assert by_camera["c002"].start_ns == round((1.5 + 181 / 20) * SECOND_NS)


def test_a_lesson_has_the_clocks_of_the_scene(scene, tmp_path):
    truth, offsets = scene
    options = SceneOptions((offsets,), ("c002=20",))
    assert [t.start_ns for t in read_lesson(truth, options)] == [t.start_ns for t in read_truth(truth, options)]
    (tmp_path / "first.txt").write_text("1 1 1 0 0 64 48\n")
    assert {t.camera_id for t in read_lesson(tmp_path / "first.txt", options)} == {"c001"}


def test_what_is_learned_before_is_read_by_offsets_and_rates(scene, monkeypatch):
    plans = []
    monkeypatch.setattr("tracker.evaluation.study.run_study", lambda plan, *_: plans.append(plan) or [])
    monkeypatch.setattr("tracker.evaluation.study.study_document", lambda *_: {})
    truth, offsets = scene
    judge_association(Asked(truth, SceneOptions((offsets,), ("c002=20",)), learn=truth))
    assert [t.start_ns for t in plans[0].lesson] == [t.start_ns for t in plans[0].tracklets]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fps", "9=8"], "no camera c009"),
        (["--fps", "north=8"], "expected CAMERA=FRAMES_PER_SECOND"),
        (["--fps", "1=0"], "expected CAMERA=FRAMES_PER_SECOND"),
        (["--fps", "1=1e-300"], "from 0.1 to 1000"),
        (["--fps", "1=inf"], "from 0.1 to 1000"),
        (["--rank1", "1.5"], "--rank1: must be between 0 and 1"),
        (["--baseline", "magic"], "no baseline 'magic'"),
        (["--step", "1=5"], "expected CAMERA=SECONDS@AT_SECONDS"),
        (["--step", "7=5@10"], "no camera '7'"),
        (["--step", "1=5@9999"], "outside"),
        (["--step", "1=5@nan"], "outside"),
        (["--step", "1=inf@3"], "--step 1=inf@3: a clock jumps by at most 2e+09 s"),
        (["--step", "1=nan@3"], "--step 1=nan@3: a clock jumps by at most 2e+09 s"),
        (["--step", "1=-1e12@3"], "--step 1=-1e12@3: a clock jumps by at most 2e+09 s"),
        (["--offsets", "nowhere.txt"], "nowhere.txt: No such file"),
        (["--components", "nowhere.yaml"], "nowhere.yaml: No such file"),
        (["--learn", "nowhere"], "nowhere: No such file"),
    ],
)
def test_bad_options_are_one_line(scene, options, says):
    assert says in _one_line(_run("--truth", scene[0], *OPTIONS, *options))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1 2 3\n", "expected 7 to 9 columns"),
        ("1 2 x 0 0 40 40\n", "frame is not a number"),
        ("", "nothing to judge"),
        ("1 1 1 0 0 40 40\n", "no vehicle was seen by two cameras"),
    ],
)
def test_a_bad_truth_is_one_line(tmp_path, text, says):
    path = tmp_path / "truth.txt"
    path.write_text(text)
    assert says in _one_line(_run("--truth", path, *OPTIONS))


def test_a_byte_order_mark_is_no_part_of_a_file(scene):
    truth, offsets = scene
    plain = read_truth(truth, SceneOptions((offsets,)))
    for path in scene:
        path.write_text(path.read_text(), encoding="utf-8-sig")
    assert read_truth(truth, SceneOptions((offsets,))) == plain


def test_a_time_beyond_any_clock_is_one_line(tmp_path):
    path = tmp_path / "truth.txt"
    path.write_text("1 7 2000000000 0 0 40 40\n")
    complaint = _one_line(_run("--truth", path, "--fps", "1=0.5", *OPTIONS))
    assert "truth.txt: frame 2000000000 of c001 is at 4000000000 s" in complaint


def test_a_missing_truth_is_one_line(tmp_path):
    assert "No such file" in _one_line(_run("--truth", tmp_path / "gone.txt", *OPTIONS))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("c001\n", "offsets.txt:1: expected a camera and its offset"),
        ("c001 nan\n", "offsets.txt:1: expected"),
        ("c002 0\nc001 1e300\n", "offsets.txt:2: expected a camera and its offset in s, such as c001 1.64, at most"),
        ("\n", "no offsets"),
        ("c009 0\n", "none of the cameras"),
    ],
)
def test_bad_offsets_are_one_line(scene, text, says):
    truth, offsets = scene
    offsets.write_text(text)
    assert says in _one_line(_run("--truth", truth, "--offsets", offsets, *OPTIONS))


def test_two_files_may_not_disagree(scene, tmp_path):
    truth, offsets = scene
    other = tmp_path / "other.txt"
    other.write_text("1 3.0\n")
    complaint = _one_line(_run("--truth", truth, "--offsets", offsets, "--offsets", other, *OPTIONS))
    assert "c001 has another offset" in complaint


# ------------------------------------------------------------------ recordings


@pytest.fixture(scope="module")
def recording():
    clocks = {"first": CameraClock(5.0, steps=((60.0, -2.0),))}
    return record_traffic(TrafficRequest("corridor", 3, 0.05, 30, clocks=clocks)).recording


def test_recordings_are_read_with_their_clocks(recording, tmp_path):
    write_recording(recording, tmp_path / "hour")
    read = read_truth(tmp_path / "hour", SceneOptions())
    assert read == recorded_tracklets(read_recording(tmp_path / "hour"))
    assert len(read) == len(recorded_tracklets(recording))
    first = [t for t in read if t.camera_id == "first"]
    assert {t.shift_ns // SECOND_NS for t in first} <= {5, 3}
    assert all(t.shift_ns == 0 for t in read if t.camera_id != "first")
    assert all(t.boxes >= 1 and t.look >= 0 and t.vehicle_class >= 0 for t in read)
    parked = {vehicle.id for vehicle in recording.vehicles if vehicle.kind == "parked"}
    assert not parked & {t.vehicle_id for t in read}


@pytest.mark.parametrize("clock", [CameraClock(), CameraClock(5.0), CameraClock(1.0, 200.0, ((100.0, 5.0),))])
def test_true_times_are_found_again(clock):
    for true in (0.0, 50.0, 99.0, 150.0, 3000.0):
        assert true_s(clock, clock.shown_s(true)) == pytest.approx(true, abs=1e-3)


def test_a_recording_has_its_own_clocks_and_must_be_whole(recording, tmp_path):
    write_recording(recording, tmp_path / "hour")
    assert "has its clocks" in _one_line(_run("--truth", tmp_path / "hour", "--fps", "first=8", *OPTIONS))
    (tmp_path / "hour" / "tracklets.csv").unlink()
    assert "tracklets.csv" in _one_line(_run("--truth", tmp_path / "hour", *OPTIONS))


def test_steps_name_cameras_of_recordings(recording):
    step = parse_step("second=-5@30", recorded_tracklets(recording))
    assert (step.camera_id, step.by_s, step.at_s) == ("second", -5.0, 30.0)
    with pytest.raises(InputError, match="no camera 'nowhere'"):
        parse_step("nowhere=5@30", recorded_tracklets(recording))


# ------------------------------------------------------------------ components


def test_components_needs_a_labelled_set(tmp_path):
    result = CliRunner().invoke(app, ["components", "--data", str(tmp_path / "none")])
    assert result.exit_code == 1
    assert result.stderr.startswith("vreid: ")
    assert result.stderr.count("\n") == 1


def test_components_are_printed_even_if_their_file_cannot_be_written(tmp_path, monkeypatch):
    module = import_module("services.cli.evaluate.components")  # The package has the command under this name.
    monkeypatch.setattr(module, "_fit", lambda *_: (packaged_components(), {"pictures": 3}))
    base = ["components", "--data", str(tmp_path), "--json", "--out"]
    for out, why in ((tmp_path, "it is a folder"), (tmp_path / "absent/c.yaml", "no folder")):
        refused = CliRunner().invoke(app, [*base, str(out)])
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert why in refused.stderr
    full = CliRunner().invoke(app, [*base, "/dev/full"])
    assert (full.exit_code, full.stderr) == (1, "vreid: cannot write /dev/full: No space left on device\n")
    assert json.loads(full.stdout)["about"] == {"pictures": 3}
