"""``vreid simulate inspect``: contact sheets and clips with the truth drawn in, to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from services.cli.output import JsonFlag, emit, fail
from services.cli.simulate.progress import progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def inspect(  # noqa: PLR0913, PLR0917  (one parameter per option)
    path: Annotated[
        str | None, typer.Argument(help="Folder of a data set or a rendered city, or the name of a city (demo).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG (contact sheet) or MP4 (clip with the truth drawn in) to write.")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="City: this camera alone instead of all on a wall.")] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="City: its vehicles on a sheet instead of a clip.")] = False,
    part: Annotated[Literal["train", "test"], typer.Option(help="Data set: which part.")] = "train",
    vehicles: Annotated[int, typer.Option(help="Most rows of a sheet.", min=1, max=200)] = 12,
    twins: Annotated[bool, typer.Option("--twins", help="Data set: pairs of twins side by side.")] = False,
    models: Annotated[bool, typer.Option("--models", help="All body models, rendered from all around.")] = False,
    light: Annotated[str | None, typer.Option(help="Data set: only pictures taken in this light.")] = None,
    seed: Annotated[
        int, typer.Option(help="Settles which vehicles of a data set are shown, or the paint of the models.", min=0)
    ] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Makes a data set or a city visible: a contact sheet, or the clips with boxes, numbers and visible shares."""
    from simulator.errors import CityError

    if (path is None) != models:
        fail("name a data set or a city, or ask for --models")
    folder = Path(path or ".")
    try:
        if path is None:
            from simulator.inspect.model_sheet import model_sheet

            target = _checked(out or Path("models.png"), ".png")
            emit({"sheet": str(_save(model_sheet(seed), target))}, as_json=as_json)
        elif (folder / "dataset.json").is_file():
            from simulator.inspect import SheetRequest, dataset_sheet

            request = SheetRequest(part, vehicles, light, twins, seed)
            target = _save(dataset_sheet(folder, request), out or Path(f"{folder.resolve().name}-{part}.png"))
            emit({"sheet": str(target)}, as_json=as_json)
        else:
            emit(_city(path, out, camera, rows=vehicles if sheet else None), as_json=as_json)
    except (CityError, OSError) as exc:
        fail(str(exc))


def _city(path: str, out: Path | None, camera: str | None, rows: int | None) -> dict[str, Any]:
    """Writes the sheet or the clip of a city; says what."""
    from simulator.city import load_city
    from simulator.errors import CityError
    from simulator.inspect import city_sheet, write_overlay

    if Path(path).is_dir() and not (Path(path) / "city.json").is_file():
        raise CityError(f"{path} is neither a data set (dataset.json) nor a rendered city (city.json)")
    city = load_city(path)
    if rows is not None:
        return {"sheet": str(_save(city_sheet(city, rows), out or Path(f"{city.name}.png")))}
    target = _checked(out or Path(f"{city.name}-{camera or 'wall'}.mp4"), ".mp4")
    with progress("frames") as report:
        frames = write_overlay(city, target, camera, report)
    return {"clip": str(target), "frames": frames}


def _save(image: NDArray[np.uint8], target: Path) -> Path:
    """Writes an RGB picture as PNG."""
    import cv2

    encoded = cv2.imencode(".png", image[:, :, ::-1])[1]
    _checked(target, ".png").write_bytes(encoded.tobytes())
    return target


def _checked(target: Path, suffix: str) -> Path:
    if target.suffix.lower() != suffix:
        fail(f"{target}: this is written as {suffix}")
    if not target.resolve().parent.is_dir():
        fail(f"{target}: there is no folder {target.parent}")
    return target
