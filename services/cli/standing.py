"""`vreid watch`: a standing query. Prints what is seen as it is seen, until it is interrupted."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import JsonFlag, fail, stdout
from services.cli.pictures import naming_files, read_picture
from services.cli.query import match_document
from services.cli.remote import DEFAULT_ADDRESS, AddressOption, connect, time_span, warn_of_unknown_cameras
from services.client import Probe
from services.errors import InputError
from services.matcher.types import SearchFilter


def watch(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    image: Annotated[list[Path] | None, typer.Argument(help="Pictures of the vehicle; none for every one.")] = None,
    identity: Annotated[list[str] | None, typer.Option("--identity", help="Like this one; may be repeated.")] = None,
    camera: Annotated[list[str] | None, typer.Option("--camera", help="Only this camera; may be repeated.")] = None,
    min_probability: Annotated[
        float, typer.Option("--min-probability", min=0, max=1, help="How sure; 0 means 0.5 with pictures.")
    ] = 0.0,
    after: Annotated[str, typer.Option("--after", help="Go on after this log position.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="End after so many; 0 for never.")] = 0,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Tells of every sighting from now on that looks like a vehicle; with --json one document a line."""
    try:
        probes = [Probe(image=read_picture(path)) for path in image or ()]
    except InputError as exc:
        fail(str(exc))
    probes += [Probe(identity_id=i) for i in identity or ()]
    wanted = SearchFilter(camera_ids=frozenset(camera or ()))
    with connect(address) as client, naming_files(probes=image or ()):
        warn_of_unknown_cameras(client, wanted.camera_ids)
        for count, (decided, match, position) in enumerate(client.watch(probes, wanted, min_probability, after), 1):
            if as_json:
                document = {"kind": "decided" if decided else "seen", **match_document(match), "log_position": position}
                sys.stdout.write(json.dumps(document) + "\n")
                sys.stdout.flush()
            else:
                word = match.identity_id if decided else "seen"
                seen = time_span(match.first_seen_ns, match.last_seen_ns)
                stdout.print(f"{seen}  {match.camera_id}  {word}  {match.probability:.0%}", soft_wrap=True)
            if count == limit:
                return
