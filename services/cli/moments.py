"""Moments as people write them: a clock time, a date, how long ago. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import typer

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)(?:\s+ago)?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?")

HELP = "14:05, 2026-03-01T14:05 (local time, or with a zone or Z), or 20m for so long ago."


def parse_moment(text: str, now: datetime | None = None) -> int:
    """UTC nanoseconds of a moment.

    A clock time is its latest passing: today, or yesterday where that is still to come.

    Args:
        text: See HELP.
        now: With a zone; the present when None.

    Raises:
        ValueError: It is none of these.

    >>> now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    >>> [parse_moment(text, now) // 10**9 - int(now.timestamp()) for text in ("90s", "1.5h ago", "11:59", "12:01:30")]
    [-90, -5400, -60, -86310]
    >>> parse_moment("2026-03-01T12:00:01.5Z") - int(now.timestamp()) * 10**9
    1500000000
    """
    now = now or datetime.now(UTC).astimezone()
    text = text.strip()
    if found := _AGO.fullmatch(text):
        return _ns(now - timedelta(seconds=float(found[1]) * _UNITS[found[2]]))
    if found := _CLOCK.fullmatch(text):
        hour, minute, second = int(found[1]), int(found[2]), float(found[3] or 0)
        if hour > 23 or minute > 59 or second >= 60:
            raise ValueError(f"no time of day: {text!r}")
        moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(seconds=second)
        return _ns(moment if moment <= now else moment - timedelta(days=1))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as exc:
        raise ValueError(f"no moment: {text!r}; give {HELP}") from exc
    return _ns(moment if moment.tzinfo is not None else moment.astimezone())


def moment_option(text: str | None, option: str | None = None) -> int | None:
    """As parse_moment, for the value of an option.

    Args:
        text: None where the option was not given.
        option: Its name, for the message.

    Raises:
        typer.BadParameter: It is no moment.
    """
    try:
        return None if text is None else parse_moment(text)
    except (ValueError, OverflowError) as exc:
        raise typer.BadParameter(str(exc), param_hint=option) from exc


def _ns(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1000
