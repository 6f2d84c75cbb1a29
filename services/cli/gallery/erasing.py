"""`vreid gallery erase`: removal that is proven. Works on the store itself, because the proof needs its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.audit import ConfigOption, opened_store
from services.cli.output import JsonFlag, emit, stdout
from services.cli.remote import actor, iso_time

if TYPE_CHECKING:
    from services.identity.retention.erase import Erasure


def erase(
    subject_id: Annotated[str, typer.Argument(metavar="ID", help="An identity, or with --sighting a sighting.")],
    sighting: Annotated[bool, typer.Option("--sighting", help="ID names one sighting, not an identity.")] = False,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, max=86_400, help="Seconds to wait for everybody who holds it.")
    ] = 60.0,
    config_file: ConfigOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Erases a vehicle or a sighting for good, and proves it by searching the data folder for its vectors.

    Ends with status 1 where it is not proven. This cannot be undone.
    """
    from services.crops import open_crops
    from services.identity.retention.erase import Eraser

    with opened_store(config_file) as (config, store):
        crops = open_crops(config.ingest.crops_url, config.data_dir)
        data_dir = config.data_dir if config.redis.url is None else None
        eraser = Eraser(store, crops, data_dir, wait_s)
        who = f"cli:{actor()}"
        done = eraser.sighting(subject_id, who) if sighting else eraser.identity(subject_id, who)
        at = iso_time(store.now_ns())
    emit(_document(done, at), as_json=as_json, render=lambda _: _show(done))
    if not done.proven:
        raise typer.Exit(1)


def _document(done: Erasure, at: str) -> dict[str, Any]:
    search = done.search
    return {
        "erased": done.subject,
        "at": at,
        "proven": done.proven,
        "sightings": list(done.sighting_ids),
        "crops": done.crops,
        "waits_for": list(done.waits),
        "searched": None
        if search is None
        else {
            "files": search.files,
            "bytes": search.bytes,
            "fragments": search.fragments,
            "traces": [{"path": trace.path, "offset": trace.offset} for trace in search.traces],
        },
        "log_position": done.log_position,
    }


def _show(done: Erasure) -> None:
    stdout.print(f"erased {done.subject}: {len(done.sighting_ids)} sightings, {done.crops} pictures")
    if done.waits:
        stdout.print(f"not finished: {', '.join(done.waits)} did not answer; the matcher ends it when they have")
    elif done.search is None:
        stdout.print("not proven: the server's files are on another machine; its log was written anew")
    elif done.search.clean:
        size_mb = done.search.bytes / 1e6
        stdout.print(
            f"proven: none of {done.search.fragments} pieces of its vectors is in the {done.search.files} files "
            f"({size_mb:.1f} MB) of the data folder"
        )
    elif not done.search.traces:
        stdout.print("not proven: its vectors are too short to be looked for")
    for trace in () if done.search is None else done.search.traces:
        stdout.print(f"still in {trace.path} at byte {trace.offset}", soft_wrap=True)
