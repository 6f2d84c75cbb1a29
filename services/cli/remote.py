"""What the commands that ask a running matcher share: its address, the connection, how times are written."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import typer

from services.cli.output import fail
from services.client import DEFAULT_ADDRESS as NEAREST_ADDRESS
from services.client import MatcherClient, client_settings
from services.errors import VreidError
from services.matcher.types import IdentityFilter

AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        envvar="VREID_ADDRESS",
        help=f"Address of the matcher, host:port; else the client file's, or {NEAREST_ADDRESS}.",
    ),
]
#: Where a command asks that is not told: as the environment or the client file say.
DEFAULT_ADDRESS: str | None = None
#: The largest number that a request carries.
MOST = 2**31 - 1

__all__ = [
    "DEFAULT_ADDRESS",
    "MOST",
    "NEAREST_ADDRESS",
    "AddressOption",
    "actor",
    "connect",
    "iso_time",
    "time_span",
    "warn_of_unknown_cameras",
]
_CAMERAS_NAMED = 12


def actor() -> str:
    """Who works at this terminal, for history and audit."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return f"uid-{os.getuid()}"


@contextmanager
def connect(address: str | None) -> Iterator[MatcherClient]:
    """A client with this user's certificates and token; a failure inside ends the command with one line on stderr."""
    try:
        settings = client_settings()
        asked = address or settings.address or NEAREST_ADDRESS
        with MatcherClient(asked, actor=actor(), credentials=settings.credentials()) as client:
            yield client
    except VreidError as exc:
        fail(str(exc))
    except UnicodeEncodeError as exc:  # an argument whose bytes are no UTF-8 comes in as half characters
        fail(f"{exc.object[:64]!a} is no text that can be sent; arguments must be UTF-8")


def warn_of_unknown_cameras(client: MatcherClient, asked: Collection[str]) -> None:
    """Warns on stderr, in one line, of cameras asked for that the site does not know: they may be misspelled.

    Known is a camera that is read, or that saw an identity: sightings outlive a camera that was removed. Where the site
    cannot be asked nothing is said, because the answer itself does not depend on it.

    Args:
        client: Of the matcher.
        asked: Names; none asks nobody.
    """
    if not asked:
        return
    try:
        read = {camera.camera_id for camera in client.camera_list()}
        unknown = [
            name
            for name in sorted(set(asked) - read)
            if not client.identity_list(1, 0, IdentityFilter(camera_ids=frozenset({name})))[1]
        ]
    except VreidError:
        return
    if unknown:
        shown = ", ".join(sorted(read)[:_CAMERAS_NAMED]) + (", …" if len(read) > _CAMERAS_NAMED else "")
        names = ", ".join(map(repr, unknown))
        sys.stderr.write(f"vreid: warning: no camera {names} is known here; known are {shown or 'none'}\n")


def iso_time(ns: int) -> str:
    """UTC nanoseconds as ISO 8601 to the millisecond.

    >>> iso_time(1_500_000_000_123_456_789)
    '2017-07-14T02:40:00.123Z'
    """
    moment = datetime.fromtimestamp(ns // 10**9, UTC).replace(microsecond=ns % 10**9 // 1000)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_span(start_ns: int, end_ns: int, now: datetime | None = None) -> str:
    """Two moments for a person, in local time to the second; the date only where it is not today's.

    >>> time_span(0, 5 * 10**9, datetime.fromtimestamp(9, UTC).astimezone())[-6:]
    ':00:05'
    """
    today = (now or datetime.now(UTC)).astimezone().date()
    parts = []
    for ns in (start_ns, end_ns):
        moment = datetime.fromtimestamp(ns / 1e9, UTC).astimezone()
        parts.append(moment.strftime("%H:%M:%S" if moment.date() == today else "%Y-%m-%d %H:%M:%S"))
    return " - ".join(parts)
