"""How the identity store is reached. Owns the settings only; never opens a connection."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class RedisSettings(BaseModel):
    """Where Redis is and how patient its callers are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str | None = Field(
        default=None,
        description="redis://, rediss:// or unix:// address of an external server; unset runs the embedded one.",
        pattern=r"^(redis|rediss|unix)://",
    )
    user: str | None = Field(
        default=None, min_length=1, description="User of the external server, where the url names none."
    )
    password: str | None = Field(
        default=None,
        pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$",
        description="Where the external server's password is: env:NAME or file:PATH.",
    )
    binary: Path | None = Field(
        default=None,
        description="Server program for the embedded server; unset takes the one that came with the installation.",
    )
    connect_timeout_s: float = Field(default=2.0, gt=0, le=60, description="Longest wait for a connection.")
    command_timeout_s: float = Field(
        default=5.0, gt=0, le=300, description="Longest wait for a reply; blocking reads wait in slices below it."
    )
    reconnect_attempts: int = Field(
        default=5,
        ge=0,
        le=20,
        description="Tries after a refused or broken connection before the store is unavailable.",
    )
    reconnect_backoff_s: float = Field(
        default=0.02,
        gt=0,
        le=5,
        description="First pause between tries; doubles up to twenty times itself, with jitter.",
    )
    start_timeout_s: float = Field(
        default=30.0, gt=0, le=3600, description="Longest wait for the embedded server to load its data and answer."
    )
