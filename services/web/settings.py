"""Settings of the console: where it listens and who may come in. Owns the settings only."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.errors import ConfigError
from services.matcher.settings import is_loopback, split_address

#: A token that can be guessed is none.
_LEAST_TOKEN = 16


class WebSettings(BaseModel):
    """The console's part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(True, description="Serve the console with `vreid up` and `vreid demo`.")
    listen: str = Field("127.0.0.1:8650", description="Address of the console, host:port.")
    names: tuple[str, ...] = Field((), description="Host names that browsers may call the console by, beyond loopback.")
    tls_certificate: Path | None = Field(None, description="PEM file; with tls_key the console speaks HTTPS.")
    tls_key: Path | None = Field(None, description="PEM file.")
    viewer_token: str | None = Field(
        None, description="Reference, env:NAME or file:PATH, to the token of who may look and search."
    )
    operator_token: str | None = Field(
        None, description="Reference, env:NAME or file:PATH, to the token of who may also merge, split and undo."
    )

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        split_address(value)
        return value

    @field_validator("viewer_token", "operator_token")
    @classmethod
    def _is_reference(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("env:", "file:")):
            raise ValueError("expected env:NAME or file:PATH; a secret itself does not belong into a configuration")
        return value

    @property
    def has_tls(self) -> bool:
        """Whether it speaks HTTPS."""
        return self.tls_certificate is not None and self.tls_key is not None


def tokens_of(settings: WebSettings) -> dict[str, str]:
    """Role by token, as the references say.

    Raises:
        ConfigError: A reference leads nowhere, a token is short, or what is reachable from other machines lacks TLS
            or tokens.
    """
    tokens: dict[str, str] = {}
    for role, reference in (("viewer", settings.viewer_token), ("operator", settings.operator_token)):
        if reference is None:
            continue
        token = _resolved(f"web.{role}_token", reference)
        if len(token) < _LEAST_TOKEN:
            raise ConfigError(f"web.{role}_token: must have at least {_LEAST_TOKEN} characters")
        if token in tokens:
            raise ConfigError("web.viewer_token and web.operator_token are the same")
        tokens[token] = role
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise ConfigError("web.tls_certificate and web.tls_key: give both or none")
    for name, path in (("tls_certificate", settings.tls_certificate), ("tls_key", settings.tls_key)):
        if path is not None and not path.is_file():
            raise ConfigError(f"web.{name}: no such file: {path}")
    host, _ = split_address(settings.listen)
    if not is_loopback(host) and not (settings.has_tls and tokens):
        raise ConfigError(
            f"web.listen: {settings.listen} can be reached from other machines, which needs web.tls_certificate, "
            "web.tls_key and a token; or listen on 127.0.0.1"
        )
    return tokens


def _resolved(name: str, reference: str) -> str:
    kind, _, place = reference.partition(":")
    if kind == "env":
        if place not in os.environ:
            raise ConfigError(f"{name}: there is no environment variable {place}")
        return os.environ[place].strip()
    try:
        return Path(place).read_text(encoding="utf-8").strip()
    except OSError as exc:
        raise ConfigError(f"{name}: cannot read {place}: {exc.strerror}") from exc
