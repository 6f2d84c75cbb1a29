"""How long what is kept. Owns the settings only; never removes anything."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

DAY_S = 86_400.0


class RetentionSettings(BaseModel):
    """What is kept how long. Three settings rule vehicles; the others rule what is written about them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    active_window_s: float = Field(
        default=3600.0,
        gt=0,
        le=3650 * DAY_S,
        description="An identity counts as active while it is in view and until its last sighting ended this long ago.",
    )
    sighting_retention_s: float = Field(
        default=30 * DAY_S,
        gt=0,
        le=3650 * DAY_S,
        description="A sighting is removed everywhere this long after it ended, and an identity with its last one.",
    )
    enrolled_retention_s: float | None = Field(
        default=None,
        gt=0,
        description="As sighting_retention_s, for sightings of enrolled identities; unset keeps them for ever.",
    )
    history_s: float | None = Field(
        default=None,
        gt=0,
        description="Events are kept this long for history and undo; unset keeps them as long as sightings.",
    )
    audit_s: float = Field(
        default=365 * DAY_S, gt=0, le=3650 * DAY_S, description="Entries of the audit log are kept this long."
    )
    tombstone_s: float = Field(
        default=DAY_S,
        gt=0,
        le=365 * DAY_S,
        description="How long ids of what was deleted are refused; longer than any ingest may hold a revision back "
        "or be without the store.",
    )
    view_stall_s: float = Field(
        default=6 * 3600.0,
        gt=0,
        le=365 * DAY_S,
        description="A view that did not move for so long is dropped and has to be filled again when it comes back.",
    )
    sweep_every_s: float = Field(default=30.0, gt=0, le=86_400, description="Seconds between two sweeps.")
    sweep_at_once: int = Field(
        default=5000, ge=1, le=1_000_000, description="Most sightings that one sweep removes, so that it ends soon."
    )
    orphan_crop_s: float = Field(
        default=3600.0,
        ge=60,
        le=365 * DAY_S,
        description="A picture that no sighting names is removed once it is this old.",
    )

    @property
    def kept_history_s(self) -> float:
        """How long events are kept."""
        return self.sighting_retention_s if self.history_s is None else self.history_s
