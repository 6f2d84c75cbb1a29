"""``vreid bench embed``: parses and prints; `benchmarks.embed` measures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stderr, stdout, table
from services.config import ReidSettings
from services.errors import ModelFileError

_REID = ReidSettings()


def embed(  # noqa: PLR0913, PLR0917 - one option per setting
    crops: Annotated[
        Path | None, typer.Option(help="Folder of vehicle pictures; default: cut from the bundled city.")
    ] = None,
    model: Annotated[str, typer.Option(help="Embedder of the manifest, or a .safetensors checkpoint.")] = _REID.model,
    count: Annotated[int, typer.Option(help="Most crops to embed.", min=16, max=100_000)] = 256,
    rounds: Annotated[int, typer.Option(help="Batches each gets.", min=1, max=10_000)] = 30,
    cores: Annotated[int, typer.Option(help="Processors each may use.", min=1, max=64)] = 2,
    ci: Annotated[bool, typer.Option("--ci", help="A small run that only shows that everything works.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Times our embedder beside torchreid's extractor with osnet_x1_0: same crops, same run, in turns."""
    from benchmarks.embed.crops import NoCropsError, city_crops, folder_crops
    from simulator.errors import CityError

    if ci:
        count, rounds = 16, 2
    try:
        with stderr.status("cutting crops"):
            pictures = city_crops(count) if crops is None else folder_crops(crops, count)
        with stderr.status(f"embedding in turns, {rounds} batches each"):
            document = _time_embedders(model, pictures, cores, rounds)
    except ImportError as exc:
        fail(f"the peer runs on torch and torchreid, of which {exc.name} is missing: pip install 'vreid[train]'")
    except (NoCropsError, CityError, ModelFileError, OSError) as exc:
        fail(str(exc))
    emit(document | {"source": str(crops or "bundled city")}, as_json=as_json, render=_show_embed)


def _time_embedders(model: str, pictures: list[Any], cores: int, rounds: int) -> dict[str, Any]:
    """Opens both and times them; of ours INT8 as well, where one is installed."""
    from benchmarks.embed.peer import TorchreidExtractor
    from benchmarks.embed.run import EmbedBench, keep_to_cores, time_embedders
    from services.models.networks import open_embedder
    from services.models.precisions import installed_int8
    from services.models.store import ModelStore

    used = keep_to_cores(cores)
    ours = open_embedder(model, used)
    has_int8 = installed_int8(ModelStore(offline=True), model) is not None
    int8 = open_embedder(model, used, "int8").embed if has_int8 else None
    peer = TorchreidExtractor(used)
    return time_embedders(EmbedBench(ours.embed, int8, peer.embed, ours.spec, used, rounds), pictures)


def _show_embed(document: dict[str, Any]) -> None:
    shown = table("ms per crop", "ours", "torchreid", "ratio")
    small = document["batch_1"]
    rows = {
        "batch 16": document,
        "batch 16, INT8": document["int8"],
        "batch 1": small,
        "batch 1, INT8": small["int8"],
    }
    for name, row in rows.items():
        if row is not None:
            each = (row["ours_ms_per_crop"], row["torchreid_ms_per_crop"], row["ratio"])
            shown.add_row(name, *(f"{value:g}" for value in each))
    stdout.print(shown)
    sizes = document["input_size"]
    (height, width), (peer_height, peer_width) = sizes["ours"], sizes["torchreid"]
    stdout.print(
        f"input {height}x{width} of ours, {peer_height}x{peer_width} of {document['torchreid_model']}; "
        f"{document['cores']} cores, {document['crops']} crops from {document['source']}",
        highlight=False,
    )
