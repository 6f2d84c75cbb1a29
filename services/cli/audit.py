"""`vreid audit`: who changed what, and what is past its time or not acknowledged. Reads the store itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.camera.change import naming_absent_store, site_config
from services.cli.moments import HELP, moment_option
from services.cli.output import JsonFlag, emit, fail, print_entries, stdout, table
from services.cli.remote import iso_time
from services.errors import VreidError

if TYPE_CHECKING:
    from services.config import VreidConfig
    from services.identity.redis_store import RedisStore
    from services.identity.retention.contract import AuditEntry

app = typer.Typer(name="audit", help="Who changed what; what is kept too long.", no_args_is_help=True)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Configuration file (YAML), for its data folder or Redis.")
]
_PAGE = 1000
_SHOWN = 20


@app.callback()
def _group() -> None:
    """Who changed what; what is kept too long."""


@contextmanager
def opened_store(config_file: Path | None, data_dir: Path | None = None) -> Iterator[tuple[VreidConfig, RedisStore]]:
    """The store of a site; a failure inside ends the command with one line on stderr.

    Args:
        config_file: The configuration that names it.
        data_dir: Where a running system left its configuration, for where none is given.
    """
    from services.config import load_config
    from services.identity.opening import open_store

    try:
        config = load_config(config_file) if data_dir is None else site_config(config_file, data_dir)
        store = open_store(config.redis, config.data_dir, config.site)
        with naming_absent_store(config), closing(store):
            yield config, store
    except VreidError as exc:
        fail(str(exc))


@app.command("log")
def log(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    since: Annotated[str | None, typer.Option(metavar="TIME", help=f"From when: {HELP}")] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this one did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this: merge, split, undo, delete_identity, …")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was done to this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many at most, the newest.")] = 100,
    config_file: ConfigOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Lists who did what to which id, oldest first. Holds no picture and no vector."""
    after = f"{max(1, moment_option(since, '--since') or 1) // 1_000_000}-0"
    with opened_store(config_file) as (_, store):
        found = [
            entry
            for entry in _entries(store, after)
            if actor in (None, entry.actor) and action in (None, entry.action) and subject in (None, entry.subject)
        ][-limit:]
    emit({"entries": [_document(e) for e in found]}, as_json=as_json, render=lambda _: _show_log(found))


def _entries(store: RedisStore, after: str) -> Iterator[AuditEntry]:
    while page := store.audit_log(after, _PAGE):
        yield from page
        after = page[-1].entry_id


def _document(entry: AuditEntry) -> dict[str, Any]:
    return {
        "entry_id": entry.entry_id,
        "at": iso_time(entry.at_ns),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "sightings": entry.sightings,
        "detail": entry.detail,
    }


def _show_log(entries: list[AuditEntry]) -> None:
    rows = [
        (iso_time(e.at_ns).replace("T", " "), e.actor, e.action, e.subject, str(e.sightings), e.detail) for e in entries
    ]
    columns = ("at", "by", "action", "subject", "sightings", "detail")
    print_entries(columns, rows, below=("subject", "detail"))


@app.command("retention")
def retention(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many ids are looked at of each kind.")] = 1000,
    config_file: ConfigOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Lists what is past its time and still there, and what was deleted and is still held somewhere.

    Ends with status 1 where there is anything of it. What came past its time within the last two sweeps does not count.
    """
    with opened_store(config_file) as (config, store):
        document = _look(config, store, limit)
    emit(document, as_json=as_json, render=_show_retention)
    if document["overdue_total"] or document["unacknowledged_total"]:
        raise typer.Exit(1)


def _look(config: VreidConfig, store: RedisStore, limit: int) -> dict[str, Any]:
    from services.identity.retention.sweep import left_behind

    settings = config.retention
    now_ns = store.now_ns()
    overdue = left_behind(store, settings, limit)
    purges = store.purges(limit=limit)
    oldest_ns = store.oldest_event_ns()
    return {
        "settings": {
            "active_window_s": settings.active_window_s,
            "sighting_retention_s": settings.sighting_retention_s,
            "enrolled_retention_s": settings.enrolled_retention_s,
            "history_s": settings.kept_history_s,
            "audit_s": settings.audit_s,
        },
        "overdue": [{"sighting_id": o.sighting_id, "ended": iso_time(o.ended_ns)} for o in overdue],
        "overdue_total": len(overdue),
        "unacknowledged": [
            {
                "sighting_id": p.sighting_id,
                "deleted": iso_time(p.at_ns),
                "cause": p.cause,
                "actor": p.actor,
                "waits_for": list(p.waits),
            }
            for p in purges
        ],
        "unacknowledged_total": len(purges),
        "views": [
            {"name": v.name, "log_position": v.position, "silent_s": max(0.0, (now_ns - v.said_at_ns) / 1e9)}
            for v in store.views()
        ],
        "oldest_event": None if oldest_ns is None else iso_time(oldest_ns),
        "looked_at_most": limit,
    }


def _show_retention(document: dict[str, Any]) -> None:
    kept = document["settings"]
    enrolled = kept["enrolled_retention_s"]
    stdout.print(
        f"sightings are kept {_span(kept['sighting_retention_s'])}, of enrolled identities "
        f"{'for ever' if enrolled is None else _span(enrolled)}; active for {_span(kept['active_window_s'])}; "
        f"history since {document['oldest_event'] or 'nothing yet'}"
    )
    _show_some(document, "overdue", "past their time and still there", ("sighting_id", "ended"))
    _show_some(
        document, "unacknowledged", "deleted and still held somewhere", ("sighting_id", "deleted", "cause", "waits_for")
    )
    for view in document["views"]:
        stdout.print(f"view {view['name']} at {view['log_position']}, {view['silent_s']:.0f} s ago", style="dim")


def _show_some(document: dict[str, Any], name: str, title: str, columns: tuple[str, ...]) -> None:
    rows = document[name]
    more = "at least " if len(rows) == document["looked_at_most"] else ""
    stdout.print(f"{more}{len(rows)} sightings {title}")
    if not rows:
        return
    shown = table(*(column.replace("_", " ") for column in columns), whole=("sighting id",))
    for row in rows[:_SHOWN]:
        values = (row[column] for column in columns)
        shown.add_row(*(", ".join(value) if isinstance(value, list) else str(value) for value in values))
    stdout.print(shown)


def _span(seconds: float) -> str:
    """A length of time for a person.

    >>> _span(30 * 86400), _span(5400), _span(90)
    ('30 days', '1.5 hours', '1.5 minutes')
    """
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= size:
            return f"{seconds / size:g} {name}"
    return f"{seconds:g} seconds"
