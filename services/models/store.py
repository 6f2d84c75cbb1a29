"""Keeps model files and their converted forms on disk: hash-checked, written whole or not at all. Loads none."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from detector.quantise import CALIBRATION_CLIP, QUANTISER_VERSION
from services.errors import ModelFileError
from services.models.conversion import CONVERSION_VERSIONS, ConversionKind, convert_in_subprocess
from services.models.folders import draft_beside, locked, put_in_place, sha256_of, sync_file
from services.models.manifest import Manifest, ModelEntry, ModelKind, load_manifest
from services.models.sources import Report, fetch_from

Converter = Callable[[ConversionKind, Path, Path, tuple[int, int] | None], None]

_PACKAGES_ROOT = Path(__file__).resolve().parents[2]
_DONE = "prepared.json"
#: What a file of one's own is, by its suffix.
_OWN_KINDS: Mapping[str, ModelKind] = {".pt": "yolo", ".safetensors": "reid"}


def default_cache_dir(environment: Mapping[str, str]) -> Path:
    """Where model files are kept: `$VREID_CACHE/models`, else `~/.cache/vreid/models`.

    >>> str(default_cache_dir({"VREID_CACHE": "/data/cache"}))
    '/data/cache/models'
    """
    if named := environment.get("VREID_CACHE"):
        return Path(named) / "models"
    base = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "vreid" / "models"


@dataclass(frozen=True, slots=True)
class ModelState:
    """What is on disk of one model.

    Attributes:
        entry: What the manifest says.
        path: Its file, None where there is none.
        prepared: Its converted folder, None where there is none.
        int8: Of a detector, the folder of the eight-bit form that serves, None where there is none.
        own: That form was made of own footage.
    """

    entry: ModelEntry
    path: Path | None
    prepared: Path | None
    int8: Path | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class _File:
    """A model file that may be converted: its hash was checked or its origin is trusted."""

    name: str
    kind: ConversionKind
    path: Path
    sha256: str


class ModelStore:
    """The model cache.

    ``fetch`` is the only method that may reach the network, and only for a file that is not in the cache. Serving
    processes are built with ``offline=True``, with which it never does.
    """

    def __init__(
        self,
        cache_dir: Path | None = None,
        *,
        offline: bool = False,
        manifest: Manifest | None = None,
        report: Report = lambda _: None,
        converter: Converter = convert_in_subprocess,
    ) -> None:
        """Opens the cache; creates nothing yet.

        Args:
            cache_dir: Folder; None for the default one.
            offline: Never download.
            manifest: What models there are; None for the shipped manifest.
            report: Told in words what is downloaded or converted.
            converter: Fills a folder from a model file.
        """
        self._dir = cache_dir if cache_dir is not None else default_cache_dir(os.environ)
        self._offline = offline
        self._manifest = manifest if manifest is not None else load_manifest()
        self._report = report
        self._converter = converter

    @property
    def manifest(self) -> Manifest:
        """The models known."""
        return self._manifest

    def fetch(self, name: str) -> Path:
        """The file of a model, downloaded where it is not in the cache; its hash was checked.

        Raises:
            ModelFileError: The name is unknown, the file is missing and cannot be had, or every copy is damaged.
        """
        return self._fetch(self._manifest.get(name)).path

    def prepare(self, name: str, input_hw: tuple[int, int] | None = None, *, trust: bool = False) -> Path:
        """The converted form of a model, converted where it is not in the cache.

        Args:
            name: In the manifest, or the path of one's own: a detector's `.pt`, or a re-ID checkpoint's `.safetensors`
                with its description beside it.
            input_hw: Network input size, for detectors.
            trust: Convert a `.pt` that is not in the manifest. It is a pickle: loading it runs what it holds. (Loading
                `.safetensors` runs nothing.)

        Returns:
            A folder with `model.xml`, `model.bin` and a description (`detector.json` or `spec.json`).

        Raises:
            ModelFileError: As ``fetch``; or the conversion failed; or a file is not trusted; or there is none.
        """
        is_own = name.endswith(tuple(_OWN_KINDS))
        file = self._own_file(Path(name)) if is_own else self._fetch(self._manifest.get(name))
        if file.kind == "initial":
            raise ModelFileError(f"{name} is a start for training and has no converted form")
        folder = self._prepared_dir(file, input_hw)
        if (folder / _DONE).is_file():
            return folder
        if name.endswith(".pt") and not trust:
            raise ModelFileError(
                f"{name} is not in the manifest and loading it could run anything; "
                f"if you trust its origin: vreid models fetch {name} --trust"
            )
        with self.locked(folder.name):
            if not (folder / _DONE).is_file():
                self._convert(file, folder, input_hw)
        return folder

    def ready(self, name: str, input_hw: tuple[int, int] | None = None) -> Path | None:
        """What ``prepare`` would give, None where it was not made yet: fetches and converts nothing.

        Raises:
            ModelFileError: The name is unknown, or one's own file is missing.
        """
        is_own = name.endswith(tuple(_OWN_KINDS))
        file = self._own_file(Path(name)) if is_own else self._cached(self._manifest.get(name))
        folder = None if file is None else self._prepared_dir(file, input_hw)
        return folder if folder is not None and (folder / _DONE).is_file() else None

    def prepare_int8(self, name: str, input_hw: tuple[int, int], *, trust: bool = False) -> Path:
        """The converted form of a detector in eight bits, quantised where it is not in the cache.

        One that was made of own footage and proved as good (``services.models.own_int8``) goes before the usual one.

        Args:
            name: As for ``prepare``; a detector.
            input_hw: Network input size.
            trust: As for ``prepare``.

        Returns:
            A folder as ``prepare`` gives.

        Raises:
            ModelFileError: As ``prepare``; or it is no detector; or what quantising needs is not installed.
        """
        if not name.endswith(".pt") and self._manifest.get(name).kind != "yolo":
            raise ModelFileError(f"{name} is no detector: only detectors are quantised here")
        exact = self.prepare(name, input_hw, trust=trust)
        if (own := self.ready_own_int8(exact)) is not None:
            return own
        folder = self._int8_dir(exact)
        with self.locked(folder.name):
            if not (folder / _DONE).is_file():
                xml = exact / "model.xml"
                self._convert(_File(f"{exact.name}-int8", "yolo-int8", xml, sha256_of(xml)), folder, input_hw)
        return folder

    def ready_int8(self, exact: Path) -> Path | None:
        """The eight-bit form of a detector that ``prepare`` gave, None where it was not made yet."""
        folder = self._int8_dir(exact)
        return self.ready_own_int8(exact) or (folder if (folder / _DONE).is_file() else None)

    def ready_own_int8(self, exact: Path) -> Path | None:
        """The eight-bit form that own footage gave for a detector that ``prepare`` gave, None where there is none."""
        folder = self.own_int8_dir(exact)
        return folder if (folder / _DONE).is_file() else None

    def own_int8_dir(self, exact: Path) -> Path:
        """Where such a form lies. What it was made of is not kept, so that only the converted form's name is in it."""
        return exact.with_name(f"{exact.name}-int8-own")

    def install_own_int8(self, exact: Path, draft: Path) -> Path:
        """Takes a draft of such a form into use, in place of one that was there.

        Raises:
            OSError: It cannot be written.
        """
        folder = self.own_int8_dir(exact)
        card = {"name": f"{exact.name}-int8", "source_sha256": sha256_of(exact / "model.xml")}
        (draft / _DONE).write_text(json.dumps(card) + "\n")
        put_in_place(draft, folder)
        return folder

    def _int8_dir(self, exact: Path) -> Path:
        """Named by all that the result depends on; the name of the converted form stands for it."""
        inputs = {"pictures": sha256_of(CALIBRATION_CLIP), "quantiser": QUANTISER_VERSION}
        key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:8]
        return exact.with_name(f"{exact.name}-int8-{key}")

    def states(self, input_hw: tuple[int, int]) -> list[ModelState]:
        """What is on disk of every model in the manifest; detectors as converted for ``input_hw``."""
        states = []
        for entry in self._manifest.models:
            file = self._cached(entry)
            folder = self._prepared_dir(file, input_hw if entry.kind == "yolo" else None) if file else None
            ready = folder if folder is not None and (folder / _DONE).is_file() else None
            int8 = self.ready_int8(ready) if ready is not None and entry.kind == "yolo" else None
            own = ready is not None and int8 == self.own_int8_dir(ready)
            states.append(ModelState(entry, file.path if file else None, ready, int8, own))
        return states

    def _fetch(self, entry: ModelEntry) -> _File:
        if (file := self._cached(entry)) is not None:
            return file
        if entry.shipped is not None:
            raise ModelFileError(f"{entry.name} is shipped as {entry.shipped.path}, which is missing: reinstall vreid")
        if self._offline:
            raise ModelFileError(f"model {entry.name} is not on this machine; get it with: vreid models fetch")
        with self.locked(entry.name):
            return self._cached(entry) or self._download(entry)

    def _cached(self, entry: ModelEntry) -> _File | None:
        """The file in the cache or in the product, None when missing or not what the manifest says."""
        path = _PACKAGES_ROOT / entry.shipped.path if entry.shipped else self._dir / "files" / entry.file
        if not path.is_file():
            return None
        sha256 = sha256_of(path)
        if entry.sha256 is not None and sha256 != entry.sha256:
            return None
        return _File(entry.name, entry.kind, path, sha256)

    def _download(self, entry: ModelEntry) -> _File:
        target = self._dir / "files" / entry.file
        target.parent.mkdir(parents=True, exist_ok=True)
        reasons = []
        for source in entry.sources:
            with tempfile.TemporaryDirectory(dir=self._dir, prefix=".fetch-") as folder:
                try:
                    got = fetch_from(source, entry, Path(folder), self._report)
                    sha256 = sha256_of(got)
                    if sha256 != entry.sha256:
                        raise ModelFileError(f"what was sent has hash {sha256[:12]}…, not {str(entry.sha256)[:12]}…")
                except ModelFileError as exc:
                    reasons.append(str(exc))
                    self._report(f"{entry.name}: {exc}")
                    continue
                sync_file(got)
                got.replace(target)
                return _File(entry.name, entry.kind, target, sha256)
        raise ModelFileError(f"cannot get model {entry.name}: {'; '.join(reasons)}")

    def _own_file(self, path: Path) -> _File:
        if not path.is_file():
            raise ModelFileError(f"no model file at {path}")
        return _File(path.stem, _OWN_KINDS[path.suffix], path, sha256_of(path))

    def _prepared_dir(self, file: _File, input_hw: tuple[int, int] | None) -> Path:
        """Named by all that the result depends on."""
        described = file.path.with_suffix(".json")
        inputs = {
            "source": file.sha256,
            "description": sha256_of(described) if described.is_file() else None,
            "input_hw": input_hw,
            "conversion": CONVERSION_VERSIONS.get(file.kind),
            "openvino": version("openvino"),
        }
        key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]
        return self._dir / "prepared" / f"{file.name}-{key}"

    def _convert(self, file: _File, folder: Path, input_hw: tuple[int, int] | None) -> None:
        with draft_beside(folder) as draft:
            what = "quantising it to INT8" if file.kind == "yolo-int8" else f"converting {file.path.name} to OpenVINO"
            self._report(f"{file.name}: {what} (once)")
            self._converter(file.kind, file.path, draft, input_hw)
            if not (draft / "model.xml").is_file():
                raise ModelFileError(f"converting {file.path.name} gave no model.xml")
            card = {"name": file.name, "source_sha256": file.sha256, "input_hw": input_hw}
            (draft / _DONE).write_text(json.dumps(card) + "\n")
            put_in_place(draft, folder)

    def locked(self, name: str) -> AbstractContextManager[None]:
        """Keeps other processes and threads off a form of a model meanwhile.

        Raises:
            ModelFileError: The cache cannot be written, or another process is busy with it for too long.
        """
        return locked(self._dir / "locks", name)
