"""A form of own footage serves where it agrees with FP32 no less than the form so far; else nothing changes."""

import contextlib
import fcntl
import hashlib
import io
import json
import shutil

import numpy as np
import pytest

from detector.settings import DetectorSettings
from detector.types import Detections
from services.errors import ModelFileError
from services.models import conversion
from services.models.conversion import quantise_in_subprocess
from services.models.manifest import Manifest
from services.models.networks import detector_folder
from services.models.own_int8 import OwnPictures, make_own_int8, remove_own_int8
from services.models.store import ModelStore

DATA = b"weights"
SETTINGS = DetectorSettings(model="net", input_width_px=128, input_height_px=96)
SIZE = (128, 96)


def write_form(kind, _source, out, _hw):
    (out / "model.xml").write_text(kind)


@pytest.fixture
def store(tmp_path):
    entry = {"name": "net", "kind": "yolo", "role": "test", "file": "net.pt", "bytes": len(DATA), "licence": "MIT"}
    sources = [{"kind": "url", "url": "https://models.invalid/net.pt"}]
    entry |= {"sha256": hashlib.sha256(DATA).hexdigest(), "sources": sources}
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "net.pt").write_bytes(DATA)
    return ModelStore(
        tmp_path, offline=True, manifest=Manifest.model_validate({"models": [entry]}), converter=write_form
    )


@pytest.fixture
def pictures():
    """Twenty pictures, each of a brightness of its own, wider than the input."""
    return OwnPictures((np.full((60, 200, 3), 10 * number, np.uint8) for number in range(20)), [SIZE])


class Found:
    """Stands in for a form: finds one vehicle in so many of ten pictures, all of them as FP32."""

    def __init__(self, share):
        self.share = share

    def detect(self, images):
        return [self._in(index) for index in range(len(images))]

    def _in(self, index):
        count = int(index < round(10 * self.share))
        boxes = np.array([[10, 10, 60, 50]] * count, np.float32).reshape(-1, 4)
        return Detections(boxes, np.full(count, 0.9, np.float32), np.full(count, 2, np.int64))


def opener(shares):
    """Opens forms by what their file says."""
    return lambda folder, _settings: Found(shares[(folder / "model.xml").read_text()])


def quantiser(text, seen=None):
    def quantise(_xml, out, own):
        if seen is not None:
            seen.extend(own)
        (out / "model.xml").write_text(text)

    return quantise


def make(store, pictures, text="own", *, seen=None, **shares):
    known = {"yolo": 1.0, "yolo-int8": 0.7, **shares}
    return make_own_int8(store, SETTINGS, pictures, quantiser=quantiser(text, seen), opener=opener(known))


def tree(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_every_other_picture_calibrates_and_the_rest_judge(store, pictures):
    seen = []
    made = make(store, pictures, seen=seen, own=0.8)
    assert {picture.shape for picture in seen} == {(96, 128, 3)}
    assert [picture[48, 64, 0] for picture in seen] == list(range(0, 200, 20))
    assert [picture[48, 64, 0] for picture in pictures.judging(SIZE)] == list(range(10, 200, 20))
    assert (made.pictures, made.vehicles, made.former, made.installed) == ((10, 10), 10, "shipped", True)
    assert made.agreement_before < made.agreement_after < 1
    assert made.document()["agreement"] == {
        "before": pytest.approx(made.agreement_before, abs=1e-4),
        "after": pytest.approx(made.agreement_after, abs=1e-4),
    }


def test_the_form_of_own_footage_serves_until_it_is_removed(store, pictures):
    exact = store.prepare("net", SETTINGS.input_hw)
    shipped = store.prepare_int8("net", SETTINGS.input_hw)
    made = make(store, pictures, own=0.7)
    assert made.installed, "as good is good enough"
    assert made.path == store.ready_int8(exact) == store.prepare_int8("net", SETTINGS.input_hw) != shipped
    assert (detector_folder(store, SETTINGS) / "model.xml").read_text() == "own"
    (state,) = store.states(SETTINGS.input_hw)
    assert (state.int8, state.own) == (made.path, True)
    assert remove_own_int8(store, SETTINGS)
    assert store.ready_int8(exact) == shipped
    (state,) = store.states(SETTINGS.input_hw)
    assert (state.int8, state.own) == (shipped, False)
    assert not remove_own_int8(store, SETTINGS)


def test_a_worse_form_changes_nothing(store, pictures):
    store.prepare_int8("net", SETTINGS.input_hw)
    before = tree(store.prepare("net", SETTINGS.input_hw).parent)
    made = make(store, pictures, own=0.6)
    assert not made.installed
    assert (made.path / "model.xml").read_text() == "yolo-int8"
    assert tree(made.path.parent) == before


def test_a_later_one_is_held_against_the_one_that_serves(store, pictures):
    make(store, pictures, "first", first=0.9)
    worse = make(store, pictures, "second", first=0.9, second=0.8)
    assert (worse.former, worse.installed) == ("own", False)
    better = make(store, pictures, "third", first=0.9, third=1.0)
    assert (better.former, better.installed, better.agreement_after) == ("own", True, 1.0)
    assert (store.prepare_int8("net", SETTINGS.input_hw) / "model.xml").read_text() == "third"
    assert [path.name for path in better.path.parent.iterdir() if path.name.startswith(".")] == []


def test_what_fails_leaves_what_was(store, pictures):
    def fail(_xml, out, _own):
        (out / "model.bin").write_bytes(b"half")
        raise ModelFileError("quantising failed: needs nncf, which comes with the 'train' extra")

    make(store, pictures, own=0.8)
    before = tree(store.prepare("net", SETTINGS.input_hw).parent)
    with pytest.raises(ModelFileError, match="needs nncf"):
        make_own_int8(store, SETTINGS, pictures, quantiser=fail, opener=opener({"yolo": 1.0, "own": 1.0}))
    with pytest.raises(ModelFileError, match="no vehicle was found in the 10 pictures"):
        make(store, pictures, yolo=0.0)
    after = store.prepare("net", SETTINGS.input_hw).parent
    assert tree(after) == before
    assert [path.name for path in after.iterdir() if path.name.startswith(".")] == []


def test_no_other_process_makes_or_removes_a_form_meanwhile(store, pictures, tmp_path):
    def quantise(_xml, out, _own):
        (lock,) = (tmp_path / "locks").glob("*-int8-own.lock")
        with lock.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (out / "model.xml").write_text("own")

    shares = {"yolo": 1.0, "yolo-int8": 0.7, "own": 0.8}
    assert make_own_int8(store, SETTINGS, pictures, quantiser=quantise, opener=opener(shares)).installed


def test_a_form_that_another_process_removed_meanwhile_is_no_failure(store, pictures, monkeypatch):
    made = make(store, pictures, own=0.8)

    @contextlib.contextmanager
    def locked_late(_self, _name):
        shutil.rmtree(made.path)
        yield

    monkeypatch.setattr(ModelStore, "locked", locked_late)
    assert not remove_own_int8(store, SETTINGS)


def test_too_little_footage_is_told():
    with pytest.raises(ModelFileError, match=r"8 pictures are needed.* has 7"):
        OwnPictures((np.zeros((9, 9, 3), np.uint8) for _ in range(7)), [SIZE])


def test_a_quantiser_that_fails_is_one_line(tmp_path):
    with pytest.raises(ModelFileError, match=r"^quantising failed: .*detector\.json") as found:
        quantise_in_subprocess(tmp_path / "none.xml", tmp_path, [np.zeros((32, 32, 3), np.uint8)])
    assert "\n" not in str(found.value)


def test_own_pictures_go_through_a_pipe_into_the_ranges(tmp_path, monkeypatch):
    """Quantised for real on a handful of pictures: the card counts them, and no picture lies beside the model."""
    xml = ModelStore(offline=True).prepare("yolov8n", DetectorSettings().input_hw) / "model.xml"
    rng = np.random.default_rng(3)
    own = rng.integers(0, 255, (2, 288, 512, 3), np.uint8)
    sent = io.BytesIO()
    np.save(sent, own)
    sent.seek(0)
    monkeypatch.setattr("detector.quantise.calibration_pictures", lambda: [own[0]])
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(sent))
    assert conversion.main(["yolo-int8", str(xml), str(tmp_path), "--own-pictures"]) == 0
    card = json.loads((tmp_path / "detector.json").read_text())
    assert (card["calibration_pictures"], card["own_pictures"]) == (3, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["detector.json", "model.bin", "model.xml"]
