"""Settings of the console: where it listens, and that it is not open to the world. Owns the settings only."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.access.book import TokenBook
from services.access.settings import AccessSettings
from services.access.tls import tls_files
from services.errors import ConfigError
from services.matcher.settings import is_loopback, split_address


class WebSettings(BaseModel):
    """The console's part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(True, description="Serve the console with `vreid up` and `vreid demo`.")
    listen: str = Field("127.0.0.1:8650", description="Address of the console, host:port.")
    names: tuple[str, ...] = Field((), description="Host names that browsers may call the console by, beyond loopback.")
    tls_certificate: Path | None = Field(None, description="PEM file; with tls_key the console speaks HTTPS.")
    tls_key: Path | None = Field(None, description="PEM file.")

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        split_address(value)
        return value

    @property
    def has_tls(self) -> bool:
        """Whether it speaks HTTPS."""
        return self.tls_certificate is not None and self.tls_key is not None


def console_access(settings: WebSettings, access: AccessSettings, data_dir: Path) -> TokenBook:
    """The tokens that open the console; refuses what would let in everybody.

    Raises:
        ConfigError: Tokens or certificates cannot be used, or what is reachable from other machines lacks them.
    """
    book = TokenBook.open(access, data_dir)
    files = tls_files("web", settings.tls_certificate, settings.tls_key)
    host, _ = split_address(settings.listen)
    if not is_loopback(host) and not (files is not None and book.on):
        raise ConfigError(
            f"web.listen: {settings.listen} can be reached from other machines, which needs web.tls_certificate, "
            "web.tls_key and a token (see `vreid token new`); or listen on 127.0.0.1"
        )
    return book
