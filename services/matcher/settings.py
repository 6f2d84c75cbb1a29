"""Settings of the matcher: where it listens and what it refuses. Owns the settings only."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.images import ImageLimits


def split_address(address: str) -> tuple[str, int]:
    """Host and port of "host:port" or "[v6]:port".

    Raises:
        ValueError: It is neither.

    >>> split_address("[::1]:50661")
    ('::1', 50661)
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ValueError(f"expected host:port, got {address!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on that host.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0"), is_loopback("localhost")
    (True, False, True)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class MatcherSettings(BaseModel):
    """The matcher's part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str = Field(
        default="127.0.0.1:50661", description="Address of the gRPC listener, host:port; port 0 takes a free one."
    )
    tls_certificate: Path | None = Field(
        default=None,
        description="PEM file: the listener's certificate, then those up to the root. Read again when renewed.",
    )
    tls_key: Path | None = Field(default=None, description="PEM file: its key, without a pass phrase.")
    tls_client_ca: Path | None = Field(
        default=None, description="PEM file: callers must show a certificate that one of these signed."
    )
    threads: int = Field(
        default=96,
        ge=1,
        le=1024,
        description="Calls that may be worked on in threads at once; searches by vectors need none.",
    )
    max_waiting_calls: int = Field(
        default=256, ge=1, le=10_000, description="Calls that may wait or run; beyond them the next is refused."
    )
    max_message_bytes: int = Field(
        default=32 * 2**20, ge=2**16, le=2**30, description="Largest request, and so the largest picture."
    )
    max_image_pixels: int = Field(
        default=40_000_000, ge=64, le=10**9, description="Largest picture in pixels; judged before it is decoded."
    )
    min_image_side_px: int = Field(default=8, ge=1, le=1024, description="Shortest side that a picture may have.")
    min_query_confidence: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Weaker detections in a query's picture are not taken for the vehicle meant.",
    )
    whole_picture_share: float = Field(
        default=0.15,
        gt=0,
        le=1,
        description="Where the vehicle fills this share of a query's picture, the picture may itself be cut to the "
        "vehicle and is asked with whole as well.",
    )
    max_k: int = Field(
        default=1000,
        ge=1,
        le=100_000,
        description="Most matches that one search may ask for; beyond 10 000 an answer may be larger than the 4 MB "
        "that clients of other languages take unless told otherwise.",
    )
    max_wait_s: float = Field(
        default=5.0, gt=0, le=600, description="Longest that a read waits for its min_log_position."
    )
    index: Literal["faiss", "numpy", "faiss-gpu", "milvus"] = Field(
        default="faiss", description="What searches: FAISS on the CPU, NumPy, FAISS on a GPU, or Milvus."
    )
    tier: Literal["auto", "exact", "fast"] = Field(
        default="auto",
        description="Whether every vector is scored, or a quantised first pass chooses which; auto decides by size.",
    )
    fast_from: int = Field(
        default=250_000, ge=1024, le=10**9, description="Vectors from which tier auto is the fast one."
    )
    milvus_uri: str = Field(
        default="", description="Milvus for index milvus: http://host:19530, or a milvus-lite file ending in .db."
    )
    milvus_collection: str = Field(
        default="vreid",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,254}$",
        description="Name of the gallery in Milvus; made anew at every start, so no two matchers may share one.",
    )
    ttl_s: float | None = Field(
        default=None, gt=0, description="The gallery forgets sightings that ended longer ago; unset for never."
    )
    snapshot_every_s: float | None = Field(
        default=900.0, ge=1, description="How often the gallery is written to disk for fast restarts; null for never."
    )
    max_batch: int = Field(default=64, ge=1, le=4096, description="Most searches that are put into one call.")
    max_watches: int = Field(default=16, ge=0, le=1000, description="Standing queries that may run at once.")
    drain_s: float = Field(default=5.0, ge=0, le=600, description="How long running calls may take to end at shutdown.")
    inference_threads: int = Field(
        default=1, ge=1, le=256, description="Cores for the detector and embedder of queries."
    )

    @field_validator("listen")
    @classmethod
    def _is_address(cls, value: str) -> str:
        split_address(value)
        return value

    @property
    def image_limits(self) -> ImageLimits:
        """What a query's picture must keep to."""
        return ImageLimits(min_side_px=self.min_image_side_px, max_pixels=self.max_image_pixels)
