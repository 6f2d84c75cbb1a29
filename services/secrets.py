"""Secrets by reference. Reads them where they are needed; keeps, logs and shows none."""

from __future__ import annotations

import os
from pathlib import Path

from services.errors import ConfigError


def read_secret(reference: str, setting: str = "") -> str:
    """The secret behind ``env:NAME`` or ``file:PATH``, a file's without the line end.

    Args:
        reference: As configured.
        setting: That holds it, for messages.

    Raises:
        ConfigError: It leads nowhere, or to nothing; never says what was found.
    """
    where = f"{setting}: " if setting else ""
    kind, _, place = reference.partition(":")
    if kind == "env":
        if place not in os.environ:
            raise ConfigError(f"{where}there is no environment variable {place}")
        secret = os.environ[place]
    elif kind == "file":
        try:
            secret = Path(place).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as exc:
            raise ConfigError(f"{where}cannot read {place}: {exc.strerror}") from exc
        except UnicodeDecodeError as exc:
            raise ConfigError(f"{where}{place} is not text") from exc
    else:
        raise ConfigError(f"{where}expected env:NAME or file:PATH")
    if not secret.strip():
        raise ConfigError(f"{where}{reference} is empty")
    return secret
