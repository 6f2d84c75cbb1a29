"""`vreid token`: makes, lists and revokes the tokens by which callers come in. Works on the file of hashes alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from services.access.roles import Role
from services.access.settings import NAME_PATTERN
from services.access.tokens import Token, digest_of, new_secret
from services.cli.output import JsonFlag, emit, fail, stderr, stdout, table
from services.errors import InputError, VreidError

app = typer.Typer(name="token", help="Tokens by which callers come in, each with a role.", no_args_is_help=True)

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML).")]
DataOption = Annotated[Path | None, typer.Option("--data-dir", help="Data folder, over the configuration's.")]
_SPAN = re.compile(r"(\d{1,5})([mhdwy])")
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "y": 365 * 86_400}
_NEVER = "never"


def expiry(text: str, now: datetime) -> datetime | None:
    """When a token expires: a span from now such as 90d, a moment of ISO 8601 (UTC where it has no offset), or "never".

    Raises:
        InputError: It is none of these, lies in the past, or further away than a date can say.

    >>> expiry("2026-02-01", datetime(2026, 1, 1, tzinfo=UTC)).isoformat()
    '2026-02-01T00:00:00+00:00'
    >>> expiry("2h", datetime(2026, 1, 1, tzinfo=UTC)).hour, expiry("never", datetime(2026, 1, 1, tzinfo=UTC))
    (2, None)
    """
    if text == _NEVER:
        return None
    try:
        moment = _moment(text, now)
    except ValueError as exc:
        raise InputError(
            f"--expires: expected 90d, 12h, a time such as 2027-01-31, or never, got {text[:40]!r}"
        ) from exc
    except OverflowError as exc:
        raise InputError(f"--expires: {text[:40]} is further away than a date can say; for no end give never") from exc
    if moment <= now:
        raise InputError(f"--expires: {text[:40]} does not lie in the future")
    return moment


def _moment(text: str, now: datetime) -> datetime:
    if span := _SPAN.fullmatch(text):
        return now + timedelta(seconds=int(span[1]) * _UNITS[span[2]])
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Who will come with it; stands in the audit.")],
    role: Annotated[Role, typer.Option("--role", help="What it may do.")] = Role.VIEWER,
    expires: Annotated[str, typer.Option(help="90d, 12h, a UTC time such as 2027-01-31, or never.")] = "90d",
    config_file: ConfigOption = None,
    data_dir: DataOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a token and print it, once: only its hash is kept. Running processes take it within a second."""
    now = datetime.now(UTC)
    if not re.fullmatch(NAME_PATTERN, name):
        fail("NAME: letters, digits and _.@+-, at most 32, beginning with a letter or a digit")
    secret = new_secret()
    try:
        token = Token(name, role, digest_of(secret), now, expiry(expires, now))
        file, first, fixed = _opened(config_file, data_dir)
        if any(other.name == name for other in fixed):
            raise InputError(f"there is a token {name} in the configuration already")
        file.add(token)
    except VreidError as exc:
        fail(str(exc))
    document = _document(token, "file") | {"token": secret}
    emit(document, as_json=as_json, render=lambda _: _show_new(secret, token, first=first))


@app.command("list")
def list_(config_file: ConfigOption = None, data_dir: DataOption = None, as_json: JsonFlag = False) -> None:
    """List the tokens that are known, without their secrets."""
    try:
        file, _, fixed = _opened(config_file, data_dir)
        rows = [(t, "file") for t in file.read()] + [(t, "configuration") for t in fixed]
    except VreidError as exc:
        fail(str(exc))
    documents = [_document(token, source) for token, source in sorted(rows, key=lambda row: row[0].name)]
    emit({"tokens": documents}, as_json=as_json, render=lambda _: _show(documents))


@app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="Whose.")],
    config_file: ConfigOption = None,
    data_dir: DataOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Revoke a token: running processes refuse it within a second, sessions and streams with it end."""
    try:
        file, _, fixed = _opened(config_file, data_dir)
        if any(token.name == name for token in fixed):
            raise InputError(f"{name} stands in the configuration, section access; remove it there and restart")
        gone = file.remove(name)
    except VreidError as exc:
        fail(str(exc))
    emit({"revoked": gone.name}, as_json=as_json, render=lambda _: stdout.print(f"{gone.name} is revoked"))


def _opened(config_file: Path | None, data_dir: Path | None) -> tuple[Any, bool, tuple[Token, ...]]:
    """The file of tokens, whether there is none yet, and the tokens of the configuration."""
    from services.access.tokens_file import TokensFile
    from services.config import load_config

    config = load_config(config_file)
    file = TokensFile(config.access.file_in(data_dir or config.data_dir))
    fixed = tuple(Token(t.name, t.role, "", None, t.expires) for t in config.access.tokens)
    return file, not fixed and file.stamp() is None, fixed


def _document(token: Token, source: str) -> dict[str, Any]:
    return {
        "name": token.name,
        "role": token.role.value,
        "created": _iso(token.created_at),
        "expires": _iso(token.expires_at),
        "expired": token.expired(datetime.now(UTC)),
        "source": source,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _show_new(secret: str, token: Token, *, first: bool) -> None:
    until = "for ever" if token.expires_at is None else f"until {_iso(token.expires_at)}"
    stderr.print(f"{token.name} may come in as {token.role.value} {until}; the token is shown only now:")
    # Alone on stdout, whole however long, so that it can be sent into a file.
    stdout.print(secret, soft_wrap=True, highlight=False)
    if first:
        stderr.print("This is the first token: from now on nobody comes in without one.")


def _show(documents: list[dict[str, Any]]) -> None:
    if not documents:
        stdout.print("There are no tokens.")
        return
    shown = table("name", "role", "created", "expires", "from", whole=("name",))
    for row in documents:
        expires = Text("expired", style="red") if row["expired"] else row["expires"] or _NEVER
        shown.add_row(row["name"], row["role"], row["created"] or "", expires, row["source"])
    stdout.print(shown)
