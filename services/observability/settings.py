"""What can be set about metrics, logs and traces. Holds values and their bounds."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Role = Literal["ingest", "matcher", "web", "supervisor"]


class MetricsSettings(BaseModel):
    """Where Prometheus finds what each process counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(False, description="Serve /metrics and /healthz, one port per role.")
    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. Beyond loopback it needs tls_certificate, tls_key and token.",
    )
    ingest_port: int = Field(9661, ge=0, le=65_535, description="Port of an ingest process; 0 for none.")
    matcher_port: int = Field(9662, ge=0, le=65_535, description="Port of the matcher; 0 for none.")
    web_port: int = Field(9663, ge=0, le=65_535, description="Port of the console's process; 0 for none.")
    supervisor_port: int = Field(9664, ge=0, le=65_535, description="Port of `vreid up` itself; 0 for none.")
    tls_certificate: Path | None = Field(None, description="PEM file; with tls_key the endpoints speak HTTPS.")
    tls_key: Path | None = Field(None, description="PEM file.")
    token: str | None = Field(
        None,
        pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$",
        description="Reference, env:NAME or file:PATH, to the bearer token that a scrape must bring.",
    )

    def port(self, role: Role) -> int:
        """The port of a role, 0 for none."""
        ports = {
            "ingest": self.ingest_port,
            "matcher": self.matcher_port,
            "web": self.web_port,
            "supervisor": self.supervisor_port,
        }
        return ports[role]

    def addresses(self) -> dict[Role, str]:
        """Where each role is to be scraped, host:port, for those that are."""
        roles: tuple[Role, ...] = ("ingest", "matcher", "web", "supervisor")
        ports = {role: self.port(role) for role in roles if self.enabled}
        return {role: f"{self.host}:{port}" for role, port in ports.items() if port}


class LoggingSettings(BaseModel):
    """How the processes of the system log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["text", "json"] = Field("text", description="Lines for people, or one JSON object a line.")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="What is less is left out.")


class TracingSettings(BaseModel):
    """Where traces go. Nothing is recorded or sent unless an endpoint is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str | None = Field(
        None,
        pattern=r"^https?://",
        description="OTLP/gRPC collector, http:// or https://host:4317; unset records nothing. Needs the extra "
        "`telemetry`.",
    )
    sample_ratio: float = Field(
        0.01, ge=0.0, le=1.0, description="Share of frame batches and of queries that begin a trace."
    )

    @field_validator("endpoint")
    @classmethod
    def _has_no_secret(cls, value: str | None) -> str | None:
        if value is not None and "@" in value:
            raise ValueError("must not hold a password")
        return value
