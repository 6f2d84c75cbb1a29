"""The file of hashed tokens: read, and changed in one step by one writer at a time. Judges no caller."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.access.roles import Role
from services.access.settings import NAME_PATTERN
from services.access.tokens import Token
from services.errors import ConfigError, InputError, NotFound

#: What a file looks like from outside: none is None.
Stamp = tuple[int, int, int]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME_PATTERN)
    role: Role
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created: datetime
    expires: datetime | None = None


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tokens: tuple[_Row, ...]


class TokensFile:
    """Hashed tokens on disk, readable by their owner only."""

    def __init__(self, path: Path) -> None:
        """Touches nothing yet."""
        self.path = path

    def stamp(self) -> Stamp | None:
        """Something that changes whenever the file does; None where there is no file.

        Raises:
            ConfigError: It cannot be looked at.
        """
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise ConfigError(f"{self.path}: {exc.strerror or exc}") from exc
        return found.st_mtime_ns, found.st_size, found.st_ino

    def read(self) -> list[Token]:
        """The tokens, by name; none where there is no file.

        Raises:
            ConfigError: It cannot be read, or is no such file.
        """
        try:
            text = self.path.read_text(encoding="utf-8")
            rows = _Document.model_validate_json(text).tokens
        except FileNotFoundError:
            return []
        except OSError as exc:
            raise ConfigError(f"{self.path}: {exc.strerror or exc}") from exc
        except (ValidationError, UnicodeDecodeError) as exc:
            raise ConfigError(f"{self.path}: not a file of tokens, or a damaged one") from exc
        tokens = [Token(r.name, r.role, r.sha256, _aware(r.created), _aware(r.expires)) for r in rows]
        return sorted(tokens, key=lambda token: token.name)

    def add(self, token: Token) -> None:
        """Puts one in.

        Raises:
            InputError: Its name is taken.
            ConfigError: The file cannot be read or written.
        """
        with self._locked():
            tokens = self.read()
            if any(other.name == token.name for other in tokens):
                raise InputError(f"there is a token {token.name} already; revoke it first, or take another name")
            self._write([*tokens, token])

    def remove(self, name: str) -> Token:
        """Takes one out; the file stays, so that nobody comes in where the last was revoked.

        Raises:
            NotFound: There is none of that name.
            ConfigError: As above.
        """
        with self._locked():
            tokens = self.read()
            gone = next((token for token in tokens if token.name == name), None)
            if gone is None:
                raise NotFound(f"no token {name[:64]} in {self.path}")
            self._write([token for token in tokens if token.name != name])
        return gone

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise ConfigError(f"{self.path}: {exc.strerror or exc}") from exc
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, tokens: Sequence[Token]) -> None:
        rows: list[dict[str, Any]] = [
            {
                "name": token.name,
                "role": token.role.value,
                "sha256": token.sha256,
                "created": _text(token.created_at),
                "expires": _text(token.expires_at),
            }
            for token in sorted(tokens, key=lambda token: token.name)
        ]
        temporary = self.path.with_suffix(".tmp")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"tokens": rows}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as exc:
            raise ConfigError(f"{self.path}: {exc.strerror or exc}") from exc


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")
