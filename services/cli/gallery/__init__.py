"""`vreid gallery`: what a search can find, and its removal."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from services.cli.gallery import keeping, writing
from services.cli.gallery.erasing import erase
from services.cli.output import JsonFlag, emit, stdout, table
from services.cli.remote import DEFAULT_ADDRESS, MOST, AddressOption, connect, iso_time, time_span
from services.matcher.types import GalleryEntry

app = typer.Typer(name="gallery", help="What a search can find: put in, corrected, taken out.", no_args_is_help=True)

IdentityArgument = Annotated[str, typer.Argument(metavar="ID", help="An identity, or one merged into it.")]


@app.command("list")
def list_entries(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    offset: Annotated[int, typer.Option(min=0, max=MOST, help="How many to pass over.")] = 0,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Lists vehicles, most recently seen first."""
    with connect(address) as client:
        entries, total = client.gallery_list(limit, offset)
    emit(
        {"entries": [_document(entry) for entry in entries], "total": total},
        as_json=as_json,
        render=lambda _: _show(entries, total),
    )


@app.command("show")
def show_entry(
    identity_id: IdentityArgument, address: AddressOption = DEFAULT_ADDRESS, as_json: JsonFlag = False
) -> None:
    """Shows one vehicle."""
    with connect(address) as client:
        entry = client.gallery_get(identity_id)
    emit(_document(entry), as_json=as_json, render=lambda _: _show([entry], 1))


@app.command("stats")
def show_stats(address: AddressOption = DEFAULT_ADDRESS, as_json: JsonFlag = False) -> None:
    """Counts and sizes of the gallery."""
    with connect(address) as client:
        stats = client.gallery_stats()
    document = asdict(stats)
    emit(document, as_json=as_json, render=_show_stats)


app.command("add")(writing.add)
app.command("update")(writing.update)
app.command("export")(writing.export)
app.command("import")(writing.import_)
app.command("snapshot")(keeping.snapshot)
app.command("restore")(keeping.restore)
app.command("compact")(keeping.compact)
app.command("doctor")(keeping.doctor)


@app.command("delete")
def delete(
    subject_id: Annotated[str, typer.Argument(metavar="ID", help="An identity, or with --sighting a sighting.")],
    sighting: Annotated[bool, typer.Option("--sighting", help="ID names one sighting, not an identity.")] = False,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Removes a vehicle with all its sightings, or one sighting. This cannot be undone."""
    with connect(address) as client:
        remove = client.gallery_delete_sighting if sighting else client.gallery_delete
        position = remove(subject_id)
    emit(
        {"deleted": subject_id, "log_position": position},
        as_json=as_json,
        render=lambda _: stdout.print(f"deleted {subject_id}"),
    )


app.command("erase")(erase)


def _document(entry: GalleryEntry) -> dict[str, Any]:
    return {
        "identity_id": entry.identity_id,
        "status": entry.status,
        "cameras": list(entry.cameras),
        "first_seen": iso_time(entry.first_seen_ns),
        "last_seen": iso_time(entry.last_seen_ns),
        "sightings": entry.sighting_count,
        "vectors": entry.vector_count,
    }


def _show(entries: list[GalleryEntry], total: int) -> None:
    if not entries:
        stdout.print(f"No entry here; {total} in all.")
        return
    shown = table("identity", "status", "cameras", "seen")
    for entry in entries:
        shown.add_row(
            entry.identity_id,
            entry.status,
            " > ".join(entry.cameras),
            time_span(entry.first_seen_ns, entry.last_seen_ns),
        )
    stdout.print(shown)
    if total > len(entries):
        stdout.print(f"{len(entries)} of {total}")


def _show_stats(document: dict[str, Any]) -> None:
    shown = table()
    for name, value in document.items():
        shown.add_row(name.replace("_", " "), str(value))
    stdout.print(shown)
