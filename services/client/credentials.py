"""How a client shows who it is and knows whom it asks: certificates and a token, from files and the environment.

A token is never an argument of a command, where every user of the machine could read it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from services.errors import ConfigError
from services.matcher.settings import is_loopback, split_address
from services.rpc.roles import BEARER, TOKEN_KEY
from services.secrets import read_secret

_FILE_VARIABLE = "VREID_CLIENT_FILE"
_TOKEN_VARIABLE = "VREID_TOKEN"
_LOCAL = "unix:"


class ClientSettings(BaseModel):
    """How the matcher is reached: the section ``client`` of a configuration, and a client file by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str | None = Field(None, description="Address of the matcher, host:port.")
    token: str | None = Field(None, description="Reference to the token, env:NAME or file:PATH.")
    tls: bool = Field(False, description="Speak TLS and trust the authorities that come with gRPC.")
    tls_ca: Path | None = Field(None, description="PEM file: speak TLS and trust these authorities alone.")
    tls_certificate: Path | None = Field(None, description="PEM file: the client's own certificate, for mutual TLS.")
    tls_key: Path | None = Field(None, description="PEM file: its key.")
    tls_server_name: str | None = Field(
        None, description="Name in the matcher's certificate, where it is not the host of its address."
    )

    @field_validator("token")
    @classmethod
    def _is_reference(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("env:", "file:")):
            raise ValueError("expected env:NAME or file:PATH; a secret itself does not belong into a configuration")
        return value

    def credentials(self, name: str = "client") -> Credentials:
        """What the settings refer to, read.

        Args:
            name: Of the settings, for messages.

        Raises:
            ConfigError: A reference leads nowhere, or certificate and key are not given together.
        """
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ConfigError(f"{name}.tls_certificate and {name}.tls_key: give both or none")
        return Credentials(
            token=read_secret(self.token, f"{name}.token").strip() if self.token is not None else "",
            tls=self.tls or any(path is not None for path in (self.tls_ca, self.tls_certificate)),
            ca=_read(f"{name}.tls_ca", self.tls_ca),
            certificate=_read(f"{name}.tls_certificate", self.tls_certificate),
            key=_read(f"{name}.tls_key", self.tls_key),
            server_name=self.tls_server_name or "",
        )


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a connection shows and trusts.

    Attributes:
        token: Sent with every call; empty for none.
        tls: Speak TLS.
        ca: PEM of the authorities that are trusted; None for those that come with gRPC.
        certificate: PEM of the client's own certificate; None for none.
        key: PEM of its key.
        server_name: What the matcher's certificate says, where that is not the host of its address.
    """

    token: str = field(default="", repr=False)
    tls: bool = False
    ca: bytes | None = field(default=None, repr=False)
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)
    server_name: str = ""

    def metadata(self, address: str) -> tuple[tuple[str, str], ...]:
        """What shows the token with each call.

        Raises:
            ConfigError: It would go over a network in the clear, or holds what no token holds.
        """
        if not self.token:
            return ()
        if not self.tls and not _stays_here(address):
            raise ConfigError(f"the token is not sent to {address} without TLS; set tls_ca or tls")
        if not (self.token.isascii() and self.token.isprintable()):
            raise ConfigError("the token has characters that no token has")
        return ((TOKEN_KEY, BEARER + self.token),)

    def channel_credentials(self) -> grpc.ChannelCredentials | None:
        """What gRPC takes; None for a connection in the clear."""
        if not self.tls:
            return None
        return grpc.ssl_channel_credentials(self.ca, self.key, self.certificate)

    def options(self) -> tuple[tuple[str, Any], ...]:
        """Options of a channel."""
        return (("grpc.ssl_target_name_override", self.server_name),) if self.tls and self.server_name else ()


def client_settings() -> ClientSettings:
    """How this user reaches the matcher: a client file, and over it ``VREID_TLS_CA`` and the like.

    The file is the one that ``VREID_CLIENT_FILE`` names, or ``~/.config/vreid/client.yaml`` where there is one.

    Raises:
        ConfigError: The file or a variable cannot be used.
    """
    env = os.environ
    named = env.get(_FILE_VARIABLE)
    base = Path(env.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser())
    path = Path(named) if named else base / "vreid" / "client.yaml"
    values = _yaml_of(path) if named or path.is_file() else {}
    for key in ("address", "tls", "tls_ca", "tls_certificate", "tls_key", "tls_server_name"):
        if said := env.get(f"VREID_{key.upper()}"):
            values[key] = said
    if file := env.get(f"{_TOKEN_VARIABLE}_FILE"):
        values["token"] = f"file:{file}"
    if env.get(_TOKEN_VARIABLE):
        values["token"] = f"env:{_TOKEN_VARIABLE}"
    try:
        return ClientSettings.model_validate(values)
    except ValidationError as exc:
        error = exc.errors()[0]
        key = ".".join(str(part) for part in error["loc"])
        what = "unknown key" if error["type"] == "extra_forbidden" else error["msg"]
        raise ConfigError(f"{path if named or path.is_file() else 'environment'}: {key}: {what}") from exc


def _yaml_of(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror or exc}") from exc
    except (UnicodeDecodeError, yaml.YAMLError) as exc:
        raise ConfigError(f"{path}: not valid YAML") from exc
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"{path}: expected keys and values")
    return found or {}


def _stays_here(address: str) -> bool:
    """Whether what is sent there does not leave this machine."""
    if address.startswith(_LOCAL):
        return True
    try:
        return is_loopback(split_address(address)[0])
    except ValueError:
        return False


def _read(name: str, path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.expanduser().read_bytes()
    except OSError as exc:
        raise ConfigError(f"{name}: cannot read {path}: {exc.strerror}") from exc
