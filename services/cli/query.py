"""`vreid query` and `vreid verify`: where was the vehicle in this picture, and do two pictures show the same one?"""

from __future__ import annotations

import tempfile
import webbrowser
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.completion import class_names, colour_names
from services.cli.gallery.writing import vehicle_class_of
from services.cli.moments import HELP, moment_option
from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.pictures import naming_files, read_picture
from services.cli.remote import (
    DEFAULT_ADDRESS,
    MOST,
    AddressOption,
    connect,
    iso_time,
    time_span,
    warn_of_unknown_cameras,
)
from services.cli.sheet import sheet, write_sheet
from services.client import ImageMode, MatcherClient, Probe, Reranking, SearchOptions
from services.errors import InputError
from services.matcher.types import Grouping, SearchAnswer, SearchFilter
from services.types import Match


def parse_box(text: str | None) -> tuple[float, float, float, float] | None:
    """Four numbers x1,y1,x2,y2.

    Raises:
        InputError: They are not.
    """
    if text is None:
        return None
    try:
        x1, y1, x2, y2 = (float(part) for part in text.split(","))
    except ValueError as exc:
        raise InputError(f"--box: expected x1,y1,x2,y2 in pixels, got {text!r}") from exc
    return x1, y1, x2, y2


def query(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    image: Annotated[Path, typer.Argument(help="A picture that shows the vehicle.")],
    k: Annotated[int, typer.Option("--k", "-k", min=1, max=MOST, help="How many matches at most.")] = 10,
    also: Annotated[list[Path] | None, typer.Option("--also", help="Another picture of it; may be repeated.")] = None,
    unlike: Annotated[
        list[Path] | None, typer.Option("--not", help="A picture of a vehicle that is not meant; may be repeated.")
    ] = None,
    camera: Annotated[list[str] | None, typer.Option("--camera", help="Only this camera; may be repeated.")] = None,
    exclude_camera: Annotated[
        list[str] | None, typer.Option("--exclude-camera", help="Not this camera; may be repeated.")
    ] = None,
    since: Annotated[str | None, typer.Option("--from", metavar="TIME", help=f"Not what ended before: {HELP}")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Not what began after.")] = None,
    vehicle_class: Annotated[
        list[str] | None,
        typer.Option(
            "--class", help="Only car, motorcycle, bus or truck; may be repeated.", autocompletion=class_names
        ),
    ] = None,
    colour: Annotated[
        list[str] | None,
        typer.Option("--colour", help="Only this colour; may be repeated.", autocompletion=colour_names),
    ] = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="The picture is cut to the vehicle already; don't look for one in it.")
    ] = False,
    box: Annotated[str | None, typer.Option("--box", help="Where the vehicle is: x1,y1,x2,y2 in pixels.")] = None,
    all_vehicles: Annotated[bool, typer.Option("--all", help="Every vehicle in the picture is meant.")] = False,
    by_identity: Annotated[
        bool, typer.Option("--by-identity", help="One match per vehicle, shown by its best sighting.")
    ] = False,
    rerank: Annotated[
        Reranking, typer.Option("--rerank", help="Put the best in order once more; geometric compares pictures.")
    ] = Reranking.NONE,
    open_: Annotated[bool, typer.Option("--open", help="Show the answer as a page of pictures.")] = False,
    sheet_file: Annotated[Path | None, typer.Option("--sheet", help="Write that sheet to this HTML file.")] = None,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Where was the vehicle in this picture?"""
    try:
        data = read_picture(image)
        probes = [Probe(image=data, mode=_mode(as_is, box, all_vehicles), box_xyxy=parse_box(box))]
        probes += _probes(also)
        negatives = _probes(unlike)
        wanted = SearchFilter(
            camera_ids=frozenset(camera or ()),
            exclude_camera_ids=frozenset(exclude_camera or ()),
            from_ns=moment_option(since, "--from"),
            to_ns=moment_option(until, "--to"),
            classes=frozenset(c for name in vehicle_class or () if (c := vehicle_class_of(name)) is not None),
            colours=frozenset(colour or ()),
        )
    except InputError as exc:
        fail(str(exc))
    grouping = Grouping.IDENTITY if by_identity else Grouping.SIGHTING
    options = SearchOptions(k=k, wanted=wanted, grouping=grouping, rerank=rerank)
    with connect(address) as client:
        with naming_files(probes=(image, *(also or ())), negatives=unlike or ()):
            answer = client.search(probes, options, negatives=negatives)
        answered = {match.camera_id for match in answer.matches}
        warn_of_unknown_cameras(client, (wanted.camera_ids | wanted.exclude_camera_ids) - answered)
        shown = _sheet(client, image, data, answer, sheet_file) if open_ or sheet_file else None
    emit(document(answer), as_json=as_json, render=lambda _: _show(answer))
    if open_ and shown is not None:
        webbrowser.open(shown.resolve().as_uri())


def verify(
    left: Annotated[Path, typer.Argument(metavar="A", help="A picture of a vehicle.")],
    right: Annotated[Path, typer.Argument(metavar="B", help="A picture of a vehicle.")],
    as_is: Annotated[bool, typer.Option("--as-is", help="Both are cut to the vehicle already.")] = False,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Do two pictures show the same vehicle?"""
    try:
        pictures = [read_picture(left), read_picture(right)]
    except InputError as exc:
        fail(str(exc))
    mode = ImageMode.AS_IS if as_is else ImageMode.LARGEST
    with connect(address) as client, naming_files(left=[left], right=[right]):
        verdict = client.verify([Probe(image=pictures[0], mode=mode)], [Probe(image=pictures[1], mode=mode)])
    word = "the same vehicle" if verdict.same else "different vehicles"
    emit(
        asdict(verdict),
        as_json=as_json,
        render=lambda _: stdout.print(f"{word}: {verdict.probability:.0%}, similarity {verdict.similarity:.2f}"),
    )


def document(answer: SearchAnswer) -> dict[str, Any]:
    """The answer as scripts read it."""
    return {"matches": [match_document(match) | {"posterior": match.posterior} for match in answer.matches]}


def match_document(match: Match) -> dict[str, Any]:
    """A match as scripts read it."""
    return {
        "identity_id": match.identity_id,
        "sighting_id": match.sighting_id,
        "camera_id": match.camera_id,
        "first_seen": iso_time(match.first_seen_ns),
        "last_seen": iso_time(match.last_seen_ns),
        "similarity": match.similarity,
        "probability": match.probability,
    }


def _mode(as_is: bool, box: str | None, all_vehicles: bool) -> ImageMode:
    chosen = [
        mode for given, mode in ((as_is, ImageMode.AS_IS), (box, ImageMode.BOX), (all_vehicles, ImageMode.ALL)) if given
    ]
    if len(chosen) > 1:
        raise InputError("--as-is, --box and --all exclude each other")
    return chosen[0] if chosen else ImageMode.LARGEST


def _probes(paths: Sequence[Path] | None) -> list[Probe]:
    return [Probe(image=read_picture(path)) for path in paths or ()]


def _sheet(client: MatcherClient, image: Path, data: bytes, answer: SearchAnswer, path: Path | None) -> Path:
    page = sheet(data, answer, client.gallery_picture, f"Where was the vehicle of {image.name}?")
    if path is None:
        path = Path(tempfile.mkdtemp(prefix="vreid-")) / "answer.html"
    try:
        write_sheet(path, page)
    except OSError as exc:
        fail(f"{path}: cannot be written: {exc.strerror or exc}")
    return path


def _show(answer: SearchAnswer) -> None:
    if not answer.matches:
        stdout.print("Nothing in the gallery answers to that.")
        return
    shown = table("identity", "camera", "seen", "similarity", "posterior")
    for match in answer.matches:
        shown.add_row(
            match.identity_id or "(no decision yet)",
            match.camera_id,
            time_span(match.first_seen_ns, match.last_seen_ns),
            f"{match.similarity:.2f} ({match.probability:.0%})",
            f"{match.posterior:.0%}",
        )
    stdout.print(shown)
