"""`vreid identity`: one vehicle under one id across all cameras."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, stdout, table
from services.cli.remote import DEFAULT_ADDRESS, AddressOption, connect, iso_time, time_span
from services.matcher.types import IdentityDetail

app = typer.Typer(name="identity", help="Vehicles, each under one id across all cameras.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Vehicles, each under one id across all cameras."""


@app.command("show")
def show(
    identity_id: Annotated[str, typer.Argument(metavar="ID", help="An identity, or one merged into it.")],
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Shows where and when a vehicle was seen."""
    with connect(address) as client:
        detail = client.identity_get(identity_id)
    emit(_document(detail), as_json=as_json, render=lambda _: _show(detail))


def _document(detail: IdentityDetail) -> dict[str, Any]:
    record = detail.record
    return {
        "identity_id": record.identity_id,
        "status": record.status,
        "cameras": list(record.cameras),
        "first_seen": iso_time(record.first_seen_ns),
        "last_seen": iso_time(record.last_seen_ns),
        "aliases": list(record.aliases),
        "sightings": [
            {
                "sighting_id": sighting.sighting_id,
                "camera_id": sighting.camera_id,
                "first_seen": iso_time(sighting.start_ns),
                "last_seen": iso_time(sighting.end_ns),
                "class": sighting.vehicle_class.name.lower(),
                "quality": sighting.quality,
                "revision": sighting.revision,
                "final": sighting.final,
            }
            for sighting in detail.sightings
        ],
    }


def _show(detail: IdentityDetail) -> None:
    record = detail.record
    stdout.print(f"identity {record.identity_id} ({record.status})")
    if record.aliases:
        stdout.print(f"also known as {', '.join(record.aliases)}")
    shown = table("sighting", "camera", "class", "seen")
    for sighting in detail.sightings:
        shown.add_row(
            sighting.sighting_id,
            sighting.camera_id,
            sighting.vehicle_class.name.lower(),
            time_span(sighting.start_ns, sighting.end_ns),
        )
    stdout.print(shown)
