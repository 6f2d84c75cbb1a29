"""`vreid identity`: one vehicle under one id across all cameras; listed, corrected, and as it was believed to be."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer

from services.cli import identity_views as views
from services.cli.moments import HELP, moment_option
from services.cli.output import JsonFlag, emit, stdout
from services.cli.remote import DEFAULT_ADDRESS, MOST, AddressOption, connect, warn_of_unknown_cameras
from services.client import MatcherClient
from services.identity.records import is_event_id
from services.matcher.types import CorrectionAnswer, IdentityFilter, IdentityHistory

app = typer.Typer(name="identity", help="Vehicles, each under one id across all cameras.", no_args_is_help=True)

IdArgument = Annotated[str, typer.Argument(metavar="ID", help="An identity, or one merged into it.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, for history; one line.")]
AtOption = Annotated[str | None, typer.Option("--at", metavar="TIME", help=f"As believed then: {HELP}")]


@app.callback()
def _group() -> None:
    """Vehicles, each under one id across all cameras."""


@app.command("list")
def list_identities(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    camera: Annotated[list[str] | None, typer.Option("--camera", help="Seen by this camera; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help=f"Last seen at or after: {HELP}")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="First seen at or before.")] = None,
    status: Annotated[
        list[str] | None, typer.Option("--status", help="matched, new or ambiguous; may be repeated.")
    ] = None,
    min_cameras: Annotated[int, typer.Option(min=0, max=MOST, help="Seen by so many cameras at least.")] = 0,
    active: Annotated[bool, typer.Option("--active", help="Only those in view or within the active window.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    offset: Annotated[int, typer.Option(min=0, max=MOST, help="How many to pass over.")] = 0,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Lists vehicles, most recently seen first."""
    statuses = frozenset(status or ())
    if unknown := statuses - {"matched", "new", "ambiguous"}:
        raise typer.BadParameter(f"status is matched, new or ambiguous, not {min(unknown)!r}")
    wanted = IdentityFilter(
        camera_ids=frozenset(camera or ()),
        from_ns=moment_option(since, "--since"),
        to_ns=moment_option(until, "--until"),
        statuses=statuses,
        min_cameras=min_cameras,
        active=active,
    )
    with connect(address) as client:
        details, total = client.identity_list(limit, offset, wanted)
        warn_of_unknown_cameras(client, wanted.camera_ids)
    emit(
        {"identities": [views.list_document(detail) for detail in details], "total": total},
        as_json=as_json,
        render=lambda _: views.show_list(details, total),
    )


@app.command("show")
def show(
    identity_id: IdArgument, at: AtOption = None, address: AddressOption = DEFAULT_ADDRESS, as_json: JsonFlag = False
) -> None:
    """Shows where and when a vehicle was seen, now or as it was believed at a moment."""
    at_ns = moment_option(at, "--at")
    with connect(address) as client:
        if at_ns is None:
            detail = client.identity_get(identity_id)
            emit(views.document(detail), as_json=as_json, render=lambda _: views.show(detail))
            return
        past = client.identity_at(identity_id, at_ns)
    emit(views.past_document(past), as_json=as_json, render=lambda _: views.show_past(past))


@app.command("history")
def history(
    identity_id: IdArgument,
    at: AtOption = None,
    after: Annotated[str, typer.Option(metavar="EVENT", help="Only what happened after this event.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, max=1000, help="So many events at most.")] = None,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Tells what happened to an identity, oldest first; with --at until then, and what was believed."""
    at_ns = moment_option(at, "--at")
    with connect(address) as client:
        if limit is None and not after:
            found = client.identity_history(identity_id, at_ns)
        else:
            found = _some_history(client, identity_id, at_ns, after, limit)
    emit(
        views.history_document(identity_id, found),
        as_json=as_json,
        render=lambda _: views.show_history(found),
    )


@app.command("merge")
def merge(
    survivor_id: Annotated[str, typer.Argument(metavar="SURVIVOR", help="Who keeps its id.")],
    absorbed_id: Annotated[str, typer.Argument(metavar="ABSORBED", help="Who becomes an alias of it.")],
    reason: ReasonOption = "",
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Says that two identities are one vehicle. `undo` takes it back."""
    with connect(address) as client:
        done = client.identity_merge(survivor_id, absorbed_id, reason)
    _corrected(done, f"{absorbed_id} is now an alias of {survivor_id}", as_json)


@app.command("split")
def split(
    identity_id: IdArgument,
    sighting_ids: Annotated[list[str], typer.Argument(metavar="SIGHTING...", help="Those of another vehicle.")],
    reason: ReasonOption = "",
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Says that some sightings are another vehicle; they get a fresh identity. `undo` takes it back."""
    with connect(address) as client:
        done = client.identity_split(identity_id, sighting_ids, reason)
    _corrected(done, f"{', '.join(dict.fromkeys(sighting_ids))} is now of {done.new_identity_id}", as_json)


@app.command("undo")
def undo(
    target: Annotated[
        str, typer.Argument(metavar="EVENT|ID", help="An event from `history`, or an identity for its latest change.")
    ],
    reason: ReasonOption = "",
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Takes back a merge, a split or an earlier undo, whoever did it."""
    with connect(address) as client:
        undone = client.identity_undo if is_event_id(target) else client.identity_undo_last
        done = undone(target, reason)
    _corrected(done, f"taken back by event {done.event_id}", as_json)


def _some_history(
    client: MatcherClient, identity_id: str, at_ns: int | None, after: str, limit: int | None
) -> IdentityHistory:
    """So many events after one, all of them where no number is given; what follows is named."""
    found = client.identity_history_page(identity_id, at_ns, after_event_id=after, limit=limit or 0)
    while found.next_event_id and (limit is None or len(found.events) < limit):
        left = 0 if limit is None else limit - len(found.events)
        page = client.identity_history_page(identity_id, at_ns, after_event_id=found.next_event_id, limit=left)
        found = replace(page, events=found.events + page.events, believed=found.believed)
    return found


def _corrected(done: CorrectionAnswer, text: str, as_json: bool) -> None:
    document = {"event_id": done.event_id, "log_position": done.log_position}
    if done.new_identity_id:
        document["new_identity_id"] = done.new_identity_id

    def render(_: object) -> None:
        stdout.print(text, soft_wrap=True)
        stdout.print(f"undo with: vreid identity undo {done.event_id}", style="dim", soft_wrap=True)

    emit(document, as_json=as_json, render=render)
