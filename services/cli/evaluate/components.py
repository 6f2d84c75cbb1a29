"""``vreid evaluate components``: fits the parts of simulated embeddings to a network. Never computes a size itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.evaluate.weights import open_weights
from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress
from services.errors import InputError, VreidError

if TYPE_CHECKING:
    from reid.data import Sample
    from reid.evaluation.evaluate import Pictures
    from tracker.evaluation.simulated.components import Components
    from tracker.evaluation.simulated.fitting import Labelled

_LABELS = ("model", "colour", "face")


def components(
    data: Annotated[Path, typer.Option(help="Data set as `vreid simulate dataset` writes it, unseen in training.")],
    weights: Annotated[
        str | None,
        typer.Option(help="A .safetensors checkpoint, an exported model's folder or a name; default: the shipped one."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="YAML file to write, for `evaluate association --components`.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the pictures drawn from a large set.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; default: all.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Fits the parts of simulated embeddings to what a network makes of a labelled set."""
    if out is not None and (out.is_dir() or not out.parent.is_dir()):
        fail(f"cannot write {out}: {'it is a folder' if out.is_dir() else f'no folder {out.parent}'}")
    try:
        sizes, about = _fit(data, weights, seed, threads)
    except VreidError as exc:
        fail(str(exc))
    emit({**sizes.model_dump(), "about": about}, as_json=as_json, render=_show)
    if out is not None:
        from tracker.evaluation.simulated.components import format_components

        try:
            out.write_text(format_components(sizes, about), encoding="utf-8")
        except OSError as exc:
            fail(f"cannot write {out}: {exc.strerror or exc}")


def _fit(
    data: Path, weights: str | None, seed: int, threads: int | None
) -> tuple[Components, dict[str, str | int | float]]:
    import numpy as np

    from reid.data import read_set
    from reid.errors import ReidError
    from reid.evaluation.embed import embed_sides
    from tracker.evaluation.simulated.fitting import fit_components

    try:
        samples = read_set(data, "veri").gallery
        if not samples or any(not sample.label(name) for sample in samples for name in _LABELS):
            raise InputError(f"{data}: pictures without the labels {', '.join(_LABELS)}: render a set, see the guide")
        name, embedder = open_weights(weights, threads)
        with progress("pictures") as tell:
            pictures = embed_sides(embedder, (samples, samples), (), tell).gallery
        sizes = fit_components(_labelled(pictures), np.random.default_rng(seed))
    except ReidError as exc:
        raise InputError(str(exc)) from exc
    except ValueError as exc:
        raise InputError(f"{data}: {exc}") from exc
    about: dict[str, str | int | float] = {
        "network": name,
        "model_id": embedder.spec.model_id,
        "data": data.resolve().name,
        "pictures": len(pictures.samples),
        "vehicles": len({sample.vehicle for sample in pictures.samples}),
    }
    return sizes, about


def _labelled(pictures: Pictures) -> Labelled:
    import numpy as np

    from tracker.evaluation.simulated.fitting import Labelled

    def codes(names: Sequence[object]) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.unique([str(name) for name in names], return_inverse=True)[1].astype(np.int64)

    samples: Sequence[Sample] = pictures.samples
    return Labelled(
        embeddings=pictures.vectors,
        look=codes([(s.label("model"), s.label("colour")) for s in samples]),
        vehicle=codes([s.vehicle for s in samples]),
        side=codes([s.label("face") for s in samples]),
        camera=codes([s.camera for s in samples]),
    )


def _show(document: dict[str, Any]) -> None:
    shown = table("part", "size")
    for name, value in document.items():
        if name != "about":
            shown.add_row(name.replace("_", " "), f"{value:g}" if isinstance(value, int) else f"{value:.4f}")
    stdout.print(shown)
    about = document["about"]
    stdout.print(f"{about['network']} on {about['pictures']} pictures of {about['vehicles']} vehicles", highlight=False)
