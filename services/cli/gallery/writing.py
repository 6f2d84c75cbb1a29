"""`vreid gallery add | update | export | import`: what a person puts into the gallery and takes out of it."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer

from detector.types import COLOURS, VehicleClass
from services.cli.completion import class_names, colour_names
from services.cli.output import JsonFlag, emit, fail, stdout
from services.cli.pictures import read_picture
from services.cli.remote import DEFAULT_ADDRESS, AddressOption, connect
from services.cli.simulate.progress import progress
from services.client import ImageMode
from services.client.archive import read_archive, write_archive
from services.errors import InputError, NotAnImage, VreidError
from services.rpc import vreid_pb2 as pb

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

ClassOption = Annotated[
    str | None,
    typer.Option(
        "--class",
        help="car, motorcycle, bus or truck; found in the picture when not given.",
        autocompletion=class_names,
    ),
]
ColourOption = Annotated[
    str, typer.Option("--colour", help=f"One of {', '.join(COLOURS)}.", autocompletion=colour_names)
]


def vehicle_class_of(name: str | None) -> VehicleClass | None:
    """A class by name.

    Raises:
        InputError: Unknown.
    """
    if name is None:
        return None
    try:
        return VehicleClass[name.upper()]
    except KeyError as exc:
        raise InputError(f"--class: expected car, motorcycle, bus or truck, got {name!r}") from exc


def picture_files(sources: Sequence[str]) -> list[Path]:
    """The picture files that files, folders and patterns name, each once, in order.

    Raises:
        InputError: One of them names nothing.
    """
    found: list[Path] = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            here = sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
        elif path.exists():
            here = [path]
        else:
            here = sorted(Path(p) for p in glob.glob(source, recursive=True) if Path(p).is_file())  # noqa: PTH207
        if not here:
            raise InputError(f"{source}: no picture there")
        found += here
    return list(dict.fromkeys(found))


def add(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    sources: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Files, folders or patterns.")],
    identity: Annotated[str, typer.Option("--identity", help="The vehicle that all of them show.")] = "",
    one_vehicle: Annotated[
        bool, typer.Option("--one-vehicle", help="All of them show one new vehicle, not one each.")
    ] = False,
    as_is: Annotated[bool, typer.Option("--as-is", help="The pictures are cut to the vehicle already.")] = False,
    vehicle_class: ClassOption = None,
    colour: ColourOption = "",
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Puts vehicles in by their pictures, for ever. A picture that cannot be used is named and passed over."""
    mode = ImageMode.AS_IS if as_is else ImageMode.LARGEST
    document: dict[str, list[dict[str, str]]] = {"added": [], "refused": []}
    failure: VreidError | None = None
    try:
        files, wanted_class = picture_files(sources), vehicle_class_of(vehicle_class)
    except InputError as exc:
        fail(str(exc))
    with connect(address) as client, progress("pictures") as report:
        for number, path in enumerate(files):
            try:
                data = _usable(path, document["refused"])
                if data is not None:
                    done = client.gallery_enroll(
                        [data], identity_id=identity, mode=mode, vehicle_class=wanted_class, colour=colour
                    )
                    identity = done.identity_id if one_vehicle else identity
                    named = {"identity_id": done.identity_id, "sighting_id": done.sighting_id}
                    document["added"].append({"file": str(path)} | named)
            except NotAnImage as exc:
                document["refused"].append(_refusal(path, exc))
            except VreidError as exc:  # what is in by then stays in, and is said first
                failure = exc
                break
            report(number + 1, len(files))
    if failure is None or document["added"] or document["refused"]:
        emit(document, as_json=as_json, render=_show_added)
    if failure is not None:
        fail(str(failure))
    if document["refused"]:
        raise typer.Exit(1)


def _usable(path: Path, refused: list[dict[str, str]]) -> bytes | None:
    """A picture's bytes; None, and a line more in ``refused``, where it is none."""
    try:
        return read_picture(path)
    except InputError as exc:
        refused.append(_refusal(path, exc))
        return None


def _refusal(path: Path, error: InputError) -> dict[str, str]:
    """Why a picture was not taken, without the name that stands beside it already."""
    return {"file": str(path), "reason": str(error).removeprefix(f"{path}: ").removeprefix("images[0]: ")}


def update(
    sighting_id: Annotated[str, typer.Argument(metavar="SIGHTING", help="The sighting to correct.")],
    vehicle_class: ClassOption = None,
    colour: ColourOption = "",
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Corrects the class or the colour of a sighting whose vehicle is in view no more."""
    with connect(address) as client:
        position = client.gallery_update(sighting_id, vehicle_class_of(vehicle_class), colour)
    emit(
        {"updated": sighting_id, "log_position": position},
        as_json=as_json,
        render=lambda _: stdout.print(f"updated {sighting_id}"),
    )


def export(
    file: Annotated[Path, typer.Argument(help="Where to write it.")],
    identity: Annotated[list[str] | None, typer.Option("--identity", help="Only this one; may be repeated.")] = None,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Writes the gallery, vectors and decisions without pictures, to a file that `gallery import` takes elsewhere."""
    with connect(address) as client, progress("sightings") as report:
        count = write_archive(file, _counted(client.gallery_export(identity or ()), report))
    emit(
        {"exported": count, "file": str(file), "bytes": file.stat().st_size},
        as_json=as_json,
        render=lambda _: stdout.print(f"exported {count} sightings to {file}"),
    )


def import_(
    file: Annotated[Path, typer.Argument(help="What `gallery export` wrote.")],
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Takes an export; it is checked whole before anything is sent, and what is held already is passed over."""
    with connect(address) as client, progress("sightings") as report:
        chunks = read_archive(file)
        first = next(chunks, pb.ExportChunk())  # raises here, where the whole file was checked, and not inside the call
        done = client.gallery_import(_counted(chain([first], chunks), report))
    emit(
        {"imported": done.imported, "passed_over": done.passed_over, "log_position": done.log_position},
        as_json=as_json,
        render=lambda _: stdout.print(
            f"imported {done.imported} sightings; {done.passed_over} were held already, or deleted here"
        ),
    )


def _counted(chunks: Iterator[pb.ExportChunk], report: Any) -> Iterator[pb.ExportChunk]:
    count = 0
    for chunk in chunks:
        count += len(chunk.sightings)
        report(count, count)
        yield chunk


def _show_added(document: dict[str, Any]) -> None:
    for entry in document["added"]:
        stdout.print(f"{entry['file']}: {entry['identity_id']}", soft_wrap=True)
    for entry in document["refused"]:
        stdout.print(f"{entry['file']}: not added: {entry['reason']}", soft_wrap=True)
