"""`vreid models`: gets the model files before anything is served, and shows what is there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from detector.settings import DetectorSettings
from services.cli import roll
from services.cli.adapt import adapt
from services.cli.output import JsonFlag, emit, fail, stderr, stdout, table
from services.config import ReidSettings
from services.errors import ModelFileError, VreidError
from services.models.precisions import install_int8, installed_int8
from services.models.sources import megabytes
from services.models.store import ModelStore

app = typer.Typer(no_args_is_help=True, help="Model files: fetch them once, see what is there.")
app.add_typer(roll.app, name="roll")
app.command()(adapt)

CacheOption = Annotated[
    Path | None, typer.Option("--cache", help="Model cache; default: $VREID_CACHE/models or ~/.cache/vreid/models.")
]
_DEFAULTS = DetectorSettings()


@app.command()
def fetch(  # noqa: PLR0913 - one option per setting
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names in the manifest, or a detector's .pt file; default: all that serving needs."),
    ] = None,
    *,
    trust: Annotated[
        bool, typer.Option("--trust", help="Convert a .pt that is not in the manifest; loading it can run code.")
    ] = False,
    width: Annotated[int, typer.Option(help="Detector input width.")] = _DEFAULTS.input_width_px,
    height: Annotated[int, typer.Option(help="Detector input height.")] = _DEFAULTS.input_height_px,
    int8: Annotated[bool, typer.Option(help="Make detectors in INT8 as well: twice as fast, as good.")] = True,
    cache: CacheOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Downloads model files that are not on this machine, checks their hashes and converts them."""
    store = ModelStore(cache, report=lambda line: stderr.print(line, highlight=False, soft_wrap=True))
    before = {state.entry.name for state in store.states((height, width)) if state.path is not None}
    rows: list[dict[str, Any]] = []
    try:
        for name in names or [entry.name for entry in store.manifest.models if entry.kind != "initial"]:
            kind = "yolo" if name.endswith(".pt") else store.manifest.get(name).kind
            row: dict[str, Any] = {"name": name, "downloaded": not name.endswith(".pt") and name not in before}
            with stderr.status(f"model {name}"):
                # Of the manifest's detectors the one that serves is converted, others where they are asked for by name.
                if kind == "initial" or (kind == "yolo" and not names and name != _DEFAULTS.model):
                    rows.append(row | {"path": str(store.fetch(name)), "prepared": None})
                    continue
                row["prepared"] = str(store.prepare(name, (height, width) if kind == "yolo" else None, trust=trust))
                if kind == "yolo":
                    if int8:
                        row["int8"] = _quantised(store, name, (height, width), trust=trust)
                    row["larger"] = [
                        _larger(store, name, size, int8=int8, trust=trust) for size in _larger_sizes(width, height)
                    ]
            rows.append(row)
    except (ModelFileError, OSError) as exc:
        fail(str(exc))
    emit({"models": rows}, as_json=as_json, render=_show_fetched)


def _larger_sizes(width: int, height: int) -> tuple[tuple[int, int], ...]:
    """What a camera may get by measurement goes with the usual size, and not with one that was asked for by name."""
    usual = (width, height) == (_DEFAULTS.input_width_px, _DEFAULTS.input_height_px)
    return _DEFAULTS.larger_sizes if usual else ()


def _larger(store: ModelStore, name: str, size: tuple[int, int], *, int8: bool, trust: bool) -> str:
    """The detector for another input width and height, in INT8 where that was asked for and can be had."""
    width, height = size
    exact = str(store.prepare(name, (height, width), trust=trust))
    return (_quantised(store, name, (height, width), trust=trust) if int8 else None) or exact


def _quantised(store: ModelStore, name: str, input_hw: tuple[int, int], *, trust: bool) -> str | None:
    """The INT8 form of a detector; None, and a line that says why, where it cannot be made: FP32 serves as well."""
    try:
        return str(store.prepare_int8(name, input_hw, trust=trust))
    except ModelFileError as exc:
        stderr.print(f"{name}: no INT8 form, FP32 will serve: {exc}", highlight=False, soft_wrap=True)
        return None


@app.command()
def quantise(  # noqa: PLR0913 - one option per setting
    footage: Annotated[
        list[Path] | None, typer.Argument(help="Clips or folders of pictures of the cameras that it will serve.")
    ] = None,
    *,
    name: Annotated[
        str, typer.Option("--name", help="The detector: in the manifest, or a .pt file.")
    ] = _DEFAULTS.model,
    width: Annotated[int, typer.Option(help="Detector input width.")] = _DEFAULTS.input_width_px,
    height: Annotated[int, typer.Option(help="Detector input height.")] = _DEFAULTS.input_height_px,
    remove: Annotated[bool, typer.Option("--remove", help="Go back to the form that `models fetch` makes.")] = False,
    cache: CacheOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Makes the detector in INT8 by your own footage; kept where it agrees with FP32 no less than the form so far."""
    if remove == bool(footage):
        fail("name footage to quantise by, or --remove alone")
    store = ModelStore(cache, offline=True, report=lambda line: stderr.print(line, highlight=False, soft_wrap=True))
    try:
        settings = [_settings(name, size) for size in ((width, height), *_larger_sizes(width, height))]
        sizes = _removed(store, settings) if remove else _own_forms(store, settings, footage or [])
    except (VreidError, OSError) as exc:
        fail(str(exc))
    emit({"name": name, "sizes": sizes}, as_json=as_json, render=_show_removed if remove else _show_quantised)


def _settings(name: str, size: tuple[int, int]) -> DetectorSettings:
    width, height = size
    try:
        return DetectorSettings(model=name, input_width_px=width, input_height_px=height)
    except ValueError as exc:
        raise ModelFileError(f"input must be multiples of 32 from 64 to 2048, got {width}x{height}") from exc


def _own_forms(store: ModelStore, settings: list[DetectorSettings], footage: list[Path]) -> dict[str, Any]:
    from services.models.footage import spread_pictures
    from services.models.own_int8 import OwnPictures, make_own_int8

    pictures = spread_pictures(footage)
    for each in settings:
        store.prepare_int8(each.model, each.input_hw)  # what is missing is told before any footage is read
    with stderr.status("reading footage"):
        taken = OwnPictures(pictures, [(each.input_width_px, each.input_height_px) for each in settings])
    sizes: dict[str, Any] = {}
    for each in settings:
        size = f"{each.input_width_px}x{each.input_height_px}"
        with stderr.status(f"quantising for {size}"):
            try:
                sizes[size] = make_own_int8(store, each, taken).document()
            except ModelFileError as exc:
                installed = [done for done, row in sizes.items() if row["installed"]]
                told = f" ({', '.join(installed)} was installed before)" if installed else ""
                raise ModelFileError(f"{size}: {exc}{told}") from exc
    return sizes


def _removed(store: ModelStore, settings: list[DetectorSettings]) -> dict[str, Any]:
    from services.models.own_int8 import remove_own_int8

    sizes = {}
    for each in settings:
        removed = remove_own_int8(store, each)
        if removed:  # what goes back may never have been made in this version
            _quantised(store, each.model, each.input_hw, trust=False)
        exact = store.ready(each.model, each.input_hw)
        serves = None if exact is None else store.ready_int8(exact)
        sizes[f"{each.input_width_px}x{each.input_height_px}"] = {
            "removed": removed,
            "path": None if serves is None else str(serves),
        }
    return sizes


@app.command()
def install(
    folder: Annotated[Path, typer.Argument(help="Written by vreid export --format openvino-int8.")],
    *,
    name: Annotated[str, typer.Option("--name", help="The embedder it is a form of.")] = ReidSettings().model,
    cache: CacheOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Installs an INT8 form of an embedder that passed the parity test, for serving (`reid.precision`)."""
    store = ModelStore(cache, offline=True, report=lambda line: stderr.print(line, highlight=False, soft_wrap=True))
    try:
        prepared = install_int8(store, name, folder)
        found = installed_int8(store, name)
    except (ModelFileError, OSError) as exc:
        fail(str(exc))
    record = None if found is None else found.model_dump(mode="json")
    emit({"name": name, "prepared": str(prepared), "parity": record}, as_json=as_json, render=_show_installed)


@app.command("list")
def list_models(
    *,
    width: Annotated[int, typer.Option(help="Detector input width.")] = _DEFAULTS.input_width_px,
    height: Annotated[int, typer.Option(help="Detector input height.")] = _DEFAULTS.input_height_px,
    cache: CacheOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Lists the models of the manifest and whether they are on this machine."""
    rows = [
        {
            "name": state.entry.name,
            "kind": state.entry.kind,
            "role": state.entry.role,
            "licence": state.entry.licence,
            "sha256": state.entry.sha256,
            "bytes": state.entry.bytes,
            "path": None if state.path is None else str(state.path),
            "prepared": None if state.prepared is None else str(state.prepared),
            "int8": None
            if state.int8 is None
            else {"form": "own" if state.own else "shipped", "path": str(state.int8)},
        }
        for state in ModelStore(cache, offline=True).states((height, width))
    ]
    emit({"models": rows}, as_json=as_json, render=_show_list)


def _show_fetched(document: dict[str, Any]) -> None:
    for row in document["models"]:
        stdout.print(f"{row['name']}: ready in {row['prepared'] or row['path']}", highlight=False, soft_wrap=True)


def _show_quantised(document: dict[str, Any]) -> None:
    for size, row in document["sizes"].items():
        verdict = "installed" if row["installed"] else f"worse, the {row['former']} form stays"
        before, after = row["agreement"]["before"], row["agreement"]["after"]
        figures = f"agreement with FP32 {before:.4f} before, {after:.4f} now, over {row['vehicles']} vehicles"
        stdout.print(f"{document['name']} {size}: {verdict}; {figures}", highlight=False, soft_wrap=True)


def _show_removed(document: dict[str, Any]) -> None:
    for size, row in document["sizes"].items():
        told = "removed" if row["removed"] else "there was no form of own footage"
        stdout.print(f"{document['name']} {size}: {told}", highlight=False, soft_wrap=True)


def _show_installed(document: dict[str, Any]) -> None:
    times = document["parity"]["ms_per_crop"]
    speed = ", ".join(f"{precision} {value:g}" for precision, value in sorted(times.items()))
    stdout.print(f"{document['name']}: INT8 installed (ms per crop where it was made: {speed or 'unknown'})")


def _show_list(document: dict[str, Any]) -> None:
    shown = table("model", "for", "licence", "size", "file", "converted", "INT8")
    for row in document["models"]:
        size = megabytes(row["bytes"]) if row["bytes"] else "shipped"
        shown.add_row(
            row["name"],
            row["role"],
            row["licence"],
            size,
            "yes" if row["path"] else "no",
            "" if row["kind"] == "initial" else "yes" if row["prepared"] else "no",
            row["int8"]["form"] if row["int8"] else "",
        )
    stdout.print(shown)
