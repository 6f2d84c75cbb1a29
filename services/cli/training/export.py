"""``vreid export``: a checkpoint as a model that runtimes read, compared with the checkpoint before it is kept."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stderr, stdout
from services.cli.training.data import DataOption
from services.cli.training.recipe import ConfigOption, RecipeOption, pictures_given
from services.errors import InputError

if TYPE_CHECKING:
    from reid.data import Sample
    from reid.runtime import OpenVinoEmbedder

#: Batches that the speed of an exported model is the median of.
_ROUNDS = 9


class ExportFormat(StrEnum):
    """What can be written."""

    OPENVINO = "openvino"
    OPENVINO_INT8 = "openvino-int8"
    ONNX = "onnx"


def export(  # noqa: PLR0913
    out: Annotated[Path, typer.Option("--out", help="Folder to write; replaced if it holds an exported model.")],
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Checkpoint, *.safetensors; default: the shipped model.")
    ] = None,
    as_format: Annotated[ExportFormat, typer.Option("--format", help="What to write.")] = ExportFormat.OPENVINO,
    *,
    data: DataOption = None,
    recipe: RecipeOption = None,
    config: ConfigOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Converts a checkpoint and compares the result with it at batch 1, 7 and 32. INT8 needs pictures (--data)."""
    from detector.telemetry import forbid_telemetry

    forbid_telemetry()
    from reid.errors import ReidError
    from reid.weights import default_weights

    try:
        if as_format is ExportFormat.OPENVINO_INT8 and not data:
            raise InputError("INT8 takes its ranges from pictures: give --data NAME=DIR[:FORMAT]")
        _require_replaceable(out, weights or default_weights())
        samples = pictures_given(data or [], recipe, config)
        with stderr.status(f"exporting to {as_format}"):
            document = _export(weights or default_weights(), out, as_format, samples)
    except (ReidError, InputError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show)


def _require_replaceable(out: Path, weights: Path) -> None:
    """Raises InputError, or reid's own, before work is put into it, where ``out`` is not ours to replace."""
    from reid.export.folder import MODEL_FILE, ONNX_FILE, replaceable
    from reid.metadata import PARITY_FILE, SPEC_FILE

    target = replaceable(out, weights)
    ours = {SPEC_FILE, PARITY_FILE, MODEL_FILE, ONNX_FILE, Path(MODEL_FILE).with_suffix(".bin").name}
    there = {path.name for path in target.iterdir()} if target.exists() else set()
    if there and not {SPEC_FILE} <= there <= ours:
        raise InputError(f"{out} holds something else than an exported model")


def _export(weights: Path, out: Path, as_format: ExportFormat, samples: list[Sample]) -> dict[str, Any]:
    """Writes beside the target and puts it there once it has proved equal."""
    import tempfile

    from reid.export.folder import put_in_place, replaceable
    from reid.export.int8 import AIMED_COSINES
    from reid.export.parity import check_parity
    from reid.metadata import PARITY_FILE, SPEC_FILE, ExportSpec, read_document, write_document
    from reid.runtime import OpenVinoEmbedder

    ranges, judged = _divided(samples)
    quantising = as_format is ExportFormat.OPENVINO_INT8
    if quantising:
        _require_enough(ranges, judged)
    pictures = _pictures(judged)
    given = _pictures(ranges) if quantising else []
    target = replaceable(out, weights)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
        draft = Path(folder) / "model"
        for aim in AIMED_COSINES if quantising else AIMED_COSINES[-1:]:
            quantised = _convert(weights, draft, as_format, given, aim)
            spec = read_document(draft / SPEC_FILE, ExportSpec)
            embedder = OpenVinoEmbedder(draft)
            parity = check_parity(weights, embedder, pictures, judged, stored=draft)
            if parity.refusal(spec.precision) is None:
                break  # What was chosen on the one half holds on the other; else more layers stay in FP32.
        parity.require(spec.precision)
        times = {} if as_format is ExportFormat.ONNX else _times(weights, embedder, pictures, Path(folder))
        write_document(draft / PARITY_FILE, parity.record(spec, times))
        put_in_place(draft, target)
    return {
        "format": str(as_format),
        "path": str(out),
        "model_id": spec.model_id,
        "precision": spec.precision,
        "pictures": {"ranges": len(ranges), "compared": len(judged)},
        "parity": parity.document(),
        "quantised": quantised,
        "ms_per_crop": times,
    }


def _convert(
    weights: Path, out: Path, as_format: ExportFormat, pictures: list[Any], aimed_cosine: float
) -> dict[str, Any] | None:
    """Writes the model; says what was quantised, if anything."""
    from reid.export import export_onnx, export_openvino, export_openvino_int8

    if as_format is ExportFormat.OPENVINO_INT8:
        return export_openvino_int8(weights, out, pictures, aimed_cosine).document()
    if as_format is ExportFormat.ONNX:
        export_onnx(weights, out)
    else:
        export_openvino(weights, out)
    return None


def _times(weights: Path, embedder: OpenVinoEmbedder, pictures: list[Any], folder: Path) -> dict[str, float]:
    """Milliseconds per crop at batch 16, an INT8 model's beside FP32's in turns."""
    from reid.export import export_openvino
    from reid.export.speed import ms_per_crop
    from reid.runtime import OpenVinoEmbedder

    sides: dict[str, Callable[[list[Any]], Any]] = {embedder.precision: embedder.embed}
    if embedder.precision != "fp32":
        export_openvino(weights, folder / "fp32")
        sides["fp32"] = OpenVinoEmbedder(folder / "fp32").embed
    return {name: round(value, 3) for name, value in ms_per_crop(sides, pictures, 16, _ROUNDS).items()}


def _divided(samples: list[Sample]) -> tuple[list[Sample], list[Sample]]:
    """Pictures for INT8's ranges, and others, of other vehicles, to compare with."""
    from reid.export.int8 import USUAL_PICTURES

    places = {identity: n for n, identity in enumerate(sorted({sample.identity for sample in samples}))}
    halves: tuple[list[Sample], list[Sample]] = ([], [])
    for sample in samples:
        halves[places[sample.identity] % 2].append(sample)
    step = max(1, len(halves[0]) // USUAL_PICTURES)
    return halves[0][::step][:USUAL_PICTURES], halves[1]


def _require_enough(ranges: list[Sample], judged: list[Sample]) -> None:
    """Raises InputError where the pictures given can neither be quantised with nor judge the result."""
    from reid.export.int8 import FEWEST_PICTURES

    if len(ranges) < FEWEST_PICTURES or not judged:
        raise InputError(
            f"INT8 needs {FEWEST_PICTURES} pictures to take ranges from and some of other vehicles to compare with: "
            f"--data gives {len(ranges)} and {len(judged)}"
        )


def _pictures(samples: list[Sample]) -> list[Any]:
    """Decoded pictures; seeded noise where there are none, which tells conversions apart well enough in FP32."""
    import numpy as np

    from reid.data import require_picture

    if not samples:
        rng = np.random.default_rng(0)
        return list(rng.integers(0, 256, (32, 96, 128, 3), dtype=np.uint8))
    return [require_picture(sample.path) for sample in samples]


def _show(document: dict[str, Any]) -> None:
    stdout.print(f"{document['path']}: {document['format']}, model {document['model_id'][:12]}", highlight=False)
    cosine = ", ".join(f"{n}: {value:.5f}" for n, value in document["parity"]["cosine"].items())
    stdout.print(f"least cosine to torch by batch size: {cosine}", highlight=False)
    every = document["parity"]
    stdout.print(f"over {every['pictures']} pictures: least {every['least']:.4f}, median {every['median']:.4f}")
    if ranks := document["parity"].get("rank1"):
        stdout.print(f"rank-1: torch {ranks['torch']:.4f}, exported {ranks['exported']:.4f}", highlight=False)
    if quantised := document["quantised"]:
        stdout.print(f"{quantised['fp32_layers']} of {quantised['layers']} layers stay in FP32")
    if len(times := document["ms_per_crop"]) > 1:
        gain = times["fp32"] / times["int8"]
        verdict = f"{gain:.2f} times as fast" if gain > 1 else "no faster: serve FP32"
        stdout.print(f"ms per crop at batch 16: FP32 {times['fp32']:g}, INT8 {times['int8']:g}: {verdict}")
