"""What can be set about an ingest process. Holds values and their bounds."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

#: Set by a supervisor that restarts the role: the restarted process takes the cameras of the dead one at once.
OWNER_VARIABLE = "VREID_INGEST_OWNER"


class IngestSettings(BaseModel):
    """How frames become sightings and how these reach the store."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        default="main",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Name of this group of cameras. Processes of one group share its cameras, each under a lease.",
    )
    take_timeout_s: float = Field(
        default=0.2, gt=0.0, le=5.0, description="Longest wait for a frame before the clock is looked at."
    )
    idle_flush_s: float = Field(
        default=8.0,
        gt=0.0,
        le=600.0,
        description="A camera that gave no frame for so long has its open tracks closed.",
    )
    gate_longest_s: float = Field(
        default=1.0,
        gt=0.0,
        le=60.0,
        description="A still camera is looked at this often all the same; see `gate` of a camera.",
    )
    crops_url: str | None = Field(
        default=None,
        min_length=1,
        description="Folder or fsspec URL for pictures of vehicles; unset takes `crops` in the data folder.",
    )
    min_crop_px: int = Field(
        default=16, ge=1, le=1024, description="A crop with a shorter side says too little to be embedded."
    )
    max_boxes: int = Field(
        default=600, ge=2, le=100_000, description="Most boxes kept in a sighting; longer ones are thinned evenly."
    )
    lease_ttl_s: float = Field(
        default=5.0,
        ge=1.0,
        le=600.0,
        description="A camera moves to another process when its own was silent for so long.",
    )
    spool_sightings: int = Field(
        default=5000,
        ge=1,
        le=1_000_000,
        description="Most sightings kept in memory while the store is away, about 40 KB each; the oldest go first.",
    )
    record_interval_s: float = Field(
        default=1.0,
        gt=0.0,
        le=60.0,
        description="How often the state of cameras is written to the store, which is asked what was deleted.",
    )
    drain_timeout_s: float = Field(
        default=10.0,
        ge=0.0,
        le=600.0,
        description="At the end: longest wait for the last sightings to be acknowledged.",
    )
