"""``vreid bench``: what is measured against peers, one command each. Parses and prints; `benchmarks` measures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import bench_matcher, bench_pipeline
from services.cli.bench_crash import crash
from services.cli.output import JsonFlag, emit, fail, stderr, stdout, table
from services.cli.simulate.progress import progress
from services.config import ReidSettings
from services.errors import ModelFileError, VreidError

app = typer.Typer(help="Measure speed and quality against peers.", no_args_is_help=True)
app.command("detector")(bench_pipeline.detector)
app.command("pipeline")(bench_pipeline.pipeline)
app.command("faults")(bench_pipeline.faults)
app.command("cameras")(bench_pipeline.cameras)
app.command("outage")(bench_pipeline.outage)
app.command("soak")(bench_pipeline.soak)

_REID = ReidSettings()
_PLACES = ("corridor", "grid", "roundabout", "junction", "riverside")
_ACTIVE = (1000, 10_000, 100_000)
_LIGHTS = ("noon", "afternoon", "low_sun", "overcast", "dusk", "night", "rainy", "fog")


app.command("crash")(crash)
app.command("matcher")(bench_matcher.matcher)


@app.callback()
def _bench() -> None:
    """Measure speed and quality against peers."""


@app.command()
def city(  # noqa: PLR0913, PLR0917 - one option per setting
    place: Annotated[list[str] | None, typer.Option(help="Place to render; may be repeated.")] = None,
    light: Annotated[list[str] | None, typer.Option(help="Light to render in; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Of fleet and traffic.", min=0)] = 11,
    seconds: Annotated[float, typer.Option(help="Length of every clip.", min=2, max=600)] = 40.0,
    fps: Annotated[int, typer.Option(help="Frames per second that are rendered and judged.", min=1, max=10)] = 1,
    keep: Annotated[Path, typer.Option(help="Where rendered cities are kept and found again.")] = Path("runs/city"),
    speed: Annotated[bool, typer.Option("--speed", help="Measure the renderer's frames per second as well.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Has the published yolov8n judge rendered cities, and tells which faces of vehicles they show."""
    from benchmarks.city.run import CityBench, judge_cities
    from benchmarks.city.speed import renderer_speed
    from services.models.store import ModelStore
    from simulator.errors import CityError

    bench = CityBench(tuple(place or _PLACES), tuple(light or _LIGHTS), seed, seconds, fps, keep)
    try:
        with progress("cities") as report:
            document = judge_cities(bench, ModelStore().fetch("yolov8n"), report)
        if speed:
            document["renderer"] = renderer_speed()
    except ImportError as exc:
        fail(f"the published detector runs on torch, which is not installed ({exc}): pip install 'vreid[train]'")
    except (CityError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show)


@app.command()
def model(
    out: Annotated[Path, typer.Option(help="Folder for sets, models and figures; a run cut off goes on.")],
    pairs: Annotated[
        Path | None, typer.Option(help="The real photographs that docs/training.md names; without it the city alone.")
    ] = None,
    train: Annotated[int | None, typer.Option(help="Vehicles of the city to train on.", min=4)] = None,
    test: Annotated[int | None, typer.Option(help="Vehicles of the city to judge on.", min=2)] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="As in vreid train.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Makes the default model from ImageNet weights and takes every figure of its card."""
    from benchmarks.model.run import ModelBench, make_and_judge

    try:
        with progress("commands") as report:
            document = make_and_judge(ModelBench(out, pairs, train, test, tuple(changes or ())), report)
    except (VreidError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show_model)


def _show_model(document: dict[str, Any]) -> None:
    found = table("", "queries", "rank-1", "mAP", "rank-1 over classes")
    for name, row in document["figures"].items():
        found.add_row(name, str(row["queries"]), *(f"{row[key]:.3f}" for key in ("rank1", "mAP", "rank1_macro_class")))
    stdout.print(found)
    stdout.print(f"{sum(document['seconds'].values()) / 60:.0f} minutes", highlight=False)


@app.command()
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


def _show(document: dict[str, Any]) -> None:
    detector = document["detector"]
    rows = {"day": detector["day"], "night": detector["night"], **detector["by_light"], **detector["by_place"]}
    found = table("", "asked", "recall", "precision", "class agreement")
    for name, row in rows.items():
        found.add_row(name, *("-" if value is None else f"{value:g}" for value in row.values()))
    stdout.print(found)
    shown = table("place", "passages", "front only", "rear only", "one face")
    for name, row in document["faces"].items():
        shown.add_row(name, *(f"{value:g}" for value in row.values()))
    stdout.print(shown)
    if "renderer" in document:
        speed = document["renderer"]
        lights = ", ".join(f"{value:g} at {name}" for name, value in speed["by_light"].items())
        width, height = speed["size"]
        each = f"{width}x{height}, {speed['vehicles']} vehicles, {speed['processes']} processes"
        stdout.print(f"renderer: {speed['frames_per_s']:g} frames/s ({lights}; {each})")


@app.command()
def association(  # noqa: PLR0913, PLR0917 - one option per setting
    active: Annotated[
        list[int] | None, typer.Option(min=1, help="Identities remembered; may be repeated. Default: 1 k, 10 k, 100 k.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long the load lasts.", min=0.5, max=3600)] = 30.0,
    per_s: Annotated[float, typer.Option(help="Sightings offered a second.", min=1, max=10_000)] = 200.0,
    burst: Annotated[int, typer.Option(help="Sightings that arrive at once.", min=1, max=5000)] = 50,
    revisions: Annotated[
        int, typer.Option(help="How often each sighting comes: once, or open and closed.", min=1, max=2)
    ] = 1,
    seed: Annotated[int, typer.Option(help="Of vehicles and trips.", min=0)] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Times decisions with many identities in memory, under an offered load."""
    from benchmarks.association.load import LoadPlan
    from benchmarks.association.measure import bench_association

    plans = [
        LoadPlan(count, seconds, burst=burst, per_s=per_s, revisions=revisions, seed=seed)
        for count in dict.fromkeys(active or _ACTIVE)
    ]
    with progress("sizes") as report:
        document = bench_association(plans, report)
    emit(document, as_json=as_json, render=_show_association)


def _show_association(document: dict[str, Any]) -> None:
    shown = table("active", "p50 ms", "p99 ms", "peak MB", "grown by MB", "busy", "behind s")
    for size, row in document["active"].items():
        figures = (f"{row[name]:g}" for name in ("p50_ms", "p99_ms", "peak_mb", "growth_mb", "busy_share", "behind_s"))
        shown.add_row(size, *figures)
    stdout.print(shown)
    load = document["load"]
    offered = f"{load['per_s']:g} sightings/s in bursts of {load['burst']} for {load['seconds']:g} s"
    stdout.print(f"{offered}, {load['cameras']} cameras", highlight=False)
