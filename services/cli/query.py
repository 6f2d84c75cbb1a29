"""`vreid query`: where was the vehicle in this picture?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.remote import DEFAULT_ADDRESS, AddressOption, connect, iso_time, time_span
from services.client import SearchOptions
from services.errors import InputError
from services.images import ImageLimits, check_image
from services.matcher.types import Grouping, SearchAnswer, SearchFilter

#: A file beyond this is no photograph; nothing of it is read.
MAX_FILE_BYTES = 512 * 2**20
#: Only the format is judged here; the matcher's own limits decide on the size.
_ANY_SIZE = ImageLimits(min_side_px=1, max_pixels=2**62)


def read_picture(path: Path) -> bytes:
    """The bytes of a picture file.

    Raises:
        InputError: There is no such file, it cannot be read, is empty, or is no picture.
    """
    try:
        if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        data = path.read_bytes()
    except OSError as exc:
        raise InputError(f"{path}: {(exc.strerror or 'cannot be read').lower()}") from exc
    check_image(data, _ANY_SIZE, str(path))
    return data


def query(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    image: Annotated[Path, typer.Argument(help="A picture that shows the vehicle.")],
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="How many matches at most.")] = 10,
    camera: Annotated[list[str] | None, typer.Option("--camera", help="Only this camera; may be repeated.")] = None,
    exclude_camera: Annotated[
        list[str] | None, typer.Option("--exclude-camera", help="Not this camera; may be repeated.")
    ] = None,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="The picture is cut to the vehicle already; don't look for one in it.")
    ] = False,
    by_identity: Annotated[
        bool, typer.Option("--by-identity", help="One match per vehicle, shown by its best sighting.")
    ] = False,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Where was the vehicle in this picture?"""
    try:
        data = read_picture(image)
    except InputError as exc:
        fail(str(exc))
    wanted = SearchFilter(camera_ids=frozenset(camera or ()), exclude_camera_ids=frozenset(exclude_camera or ()))
    grouping = Grouping.IDENTITY if by_identity else Grouping.SIGHTING
    with connect(address) as client:
        answer = client.search_image(data, SearchOptions(k=k, wanted=wanted, grouping=grouping), as_is=as_is)
    emit(document(answer), as_json=as_json, render=lambda _: _show(answer))


def document(answer: SearchAnswer) -> dict[str, Any]:
    """The answer as scripts read it."""
    return {
        "matches": [
            {
                "identity_id": match.identity_id,
                "sighting_id": match.sighting_id,
                "camera_id": match.camera_id,
                "first_seen": iso_time(match.first_seen_ns),
                "last_seen": iso_time(match.last_seen_ns),
                "similarity": match.similarity,
                "probability": match.probability,
            }
            for match in answer.matches
        ]
    }


def _show(answer: SearchAnswer) -> None:
    if not answer.matches:
        stdout.print("Nothing in the gallery answers to that.")
        return
    shown = table("identity", "camera", "seen", "similarity")
    for match in answer.matches:
        shown.add_row(
            match.identity_id or "(no decision yet)",
            match.camera_id,
            time_span(match.first_seen_ns, match.last_seen_ns),
            f"{match.similarity:.2f} ({match.probability:.0%})",
        )
    stdout.print(shown)
