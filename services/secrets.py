"""Secrets by reference. Reads them where they are needed; keeps, logs and shows none."""

from __future__ import annotations

import os
from pathlib import Path

from services.errors import ConfigError


def read_secret(reference: str) -> str:
    """The secret behind ``env:NAME`` or ``file:PATH``, a file's without the line end.

    Raises:
        ConfigError: There is none; the message names the reference only.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        secret = os.environ.get(name, "")
    else:
        try:
            secret = Path(name).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"{reference}: no secret can be read there") from exc
    if not secret:
        raise ConfigError(f"{reference}: holds no secret")
    return secret
