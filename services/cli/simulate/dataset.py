"""``vreid simulate dataset``: pictures to train and judge re-identification on, or to train a detector on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from services.cli.output import JsonFlag, emit, fail, stdout
from services.cli.simulate.progress import progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from simulator.dataset import DetectionPlan, OpenDetect, ReidPlan

_Kind = Literal["reid", "detection"]
_DEFAULTS: dict[_Kind, tuple[int, int]] = {"reid": (576, 200), "detection": (600, 200)}


def dataset(  # noqa: PLR0913, PLR0917  (one parameter per option)
    out: Annotated[
        Path, typer.Option(help="Folder to write to; one begun earlier by the same options is gone on with.")
    ],
    kind: Annotated[
        _Kind, typer.Option(help="Crops in VeRi-776's layout, or whole pictures with boxes in YOLO's.")
    ] = "reid",
    train: Annotated[
        int | None, typer.Option(help="Training vehicles (default 576), or pictures (default 600).", min=0)
    ] = None,
    test: Annotated[
        int | None, typer.Option(help="Test vehicles (default 200), or pictures (default 200).", min=0)
    ] = None,
    cameras: Annotated[int, typer.Option(help="Cameras that see each vehicle, at least.", min=2, max=8)] = 6,
    images: Annotated[int, typer.Option(help="Pictures per vehicle and camera.", min=1, max=20)] = 4,
    seed: Annotated[int, typer.Option(help="Settles everything.", min=0, max=89)] = 0,
    boxes: Annotated[
        Literal["both", "detector", "mask"],
        typer.Option(help="What cuts the crops: the detector's boxes, the truth's, or both as they come."),
    ] = "both",
    plates: Annotated[
        Literal["random", "masked"], typer.Option(help="Number plates: another in every picture, or blank.")
    ] = "random",
    shapes: Annotated[
        Literal["made", "varied"],
        typer.Option(help="Bodies of training vehicles: as their meshes were made, or in further shapes too."),
    ] = "made",
    twins: Annotated[float, typer.Option(help="Share of vehicles that are another's twin.", min=0.0, max=0.5)] = 0.2,
    alike: Annotated[
        float, typer.Option(help="Share of twins that look like the other from one side.", min=0.0, max=1.0)
    ] = 0.3,
    processes: Annotated[
        int | None, typer.Option(help="Pictures rendered at once; one per core by default.", min=1, max=64)
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Renders a data set; interrupted, the same command goes on and ends with the same files."""
    from simulator.dataset import DetectionPlan, ReidPlan, render_dataset
    from simulator.errors import CityError

    usual_train, usual_test = _DEFAULTS[kind]
    in_train, in_test = usual_train if train is None else train, usual_test if test is None else test
    try:
        plan: ReidPlan | DetectionPlan = DetectionPlan(in_train, in_test, seed)
        if kind == "reid":
            plan = ReidPlan(in_train, in_test, cameras, images, seed, boxes, plates, twins, alike, shapes == "varied")
        open_detect = _detector() if kind == "reid" and boxes != "mask" else None
        with progress("pictures") as report:
            summary = render_dataset(plan, out, open_detect=open_detect, processes=processes, progress=report)
    except (CityError, OSError) as exc:
        fail(str(exc))
    except KeyboardInterrupt:
        fail("interrupted: the same command goes on where it stopped", code=130)
    emit({"dataset": str(out), **summary.document()}, as_json=as_json, render=_show)


def _detector() -> OpenDetect:
    """The detector, converted now so that rendering processes only open it.

    Exits with one line where it is not on this machine.
    """
    from services.errors import VreidError

    try:
        _open_detect(1)
    except VreidError as exc:
        fail(f"{exc}; or cut along the truth's boxes: --boxes mask")
    return partial(_open_detect, 1)


def _open_detect(threads: int) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    """A detector as the data set's processes use it: one picture in, boxes out.

    The published one, so that a set of a seed stays as it is while the shipped one is trained further.
    """
    from detector.settings import DetectorSettings
    from services.models.networks import open_detector

    detector = open_detector(DetectorSettings(model="yolov8n", max_batch=1, precision="fp32"), threads)
    return lambda image: detector.detect([image])[0].boxes_xyxy


def _show(document: dict[str, Any]) -> None:
    """The summary in words."""
    images, vehicles = document["images"], document["vehicles"]
    unit = "vehicles" if document["kind"] == "reid" else "labelled vehicles"
    for part in images:
        stdout.print(f"{part:6} {images[part]:6} pictures of {vehicles.get(part, 0)} {unit}")
    if document["kind"] == "reid":
        stdout.print(f"query  {document['queries']:6} pictures, one per test vehicle and camera")
        stdout.print(f"faces  {_shares(document['faces'])}; boxes {_shares(document['boxes'])}")
        stdout.print(f"of tracklets {document['one_faced_share']:.0%} show only the front or only the rear")
        stdout.print(f"of the vehicles cut out, the detector found {document['found_share']:.0%}")
    stdout.print(f"lights {_shares(document['lights'])}")
    if document["short"]:
        named = ", ".join(f"{vehicle} ({cameras})" for vehicle, cameras in document["short"].items())
        stdout.print(f"seen by fewer cameras than planned: {named}")


def _shares(counts: dict[str, int]) -> str:
    total = sum(counts.values()) or 1
    return ", ".join(f"{name} {count / total:.0%}" for name, count in sorted(counts.items(), key=lambda item: -item[1]))
