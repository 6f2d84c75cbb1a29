"""The knobs of association. Owns names, bounds and defaults; decides nothing."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class PinnedLink(BaseModel):
    """A link whose travel time is given, not learned."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_camera: str = Field(min_length=1, description="Camera that is left.")
    to_camera: str = Field(min_length=1, description="Camera that is reached next.")
    travel_median_s: float = Field(
        gt=0.0, le=86_400.0, description="Median seconds from leaving the one view to entering the other."
    )
    travel_spread: float = Field(
        0.2, gt=0.01, le=2.0, description="Spread of the logarithm of that time between trips."
    )

    @model_validator(mode="after")
    def _of_two_cameras(self) -> Self:
        if self.from_camera == self.to_camera:
            raise ValueError(f"a pinned link leads from one camera to another, got {self.from_camera!r} twice")
        return self


class AssociationSettings(BaseModel):
    """How sightings become identities."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bucket_s: float = Field(0.5, ge=0.05, le=2.0, description="Seconds an arrival waits for others to be decided with.")
    margin_nats: float = Field(
        0.5, ge=0.0, le=20.0, description="Lead over the runner-up below which a first decision is ambiguous."
    )
    final_margin_nats: float = Field(
        0.0, ge=0.0, le=20.0, description="As margin_nats, once a sighting's last revision is in."
    )
    revise_margin_nats: float = Field(
        1.5, ge=0.0, le=20.0, description="Lead that another identity needs to overturn a decision already taken."
    )
    merge_margin_nats: float = Field(
        2.0, ge=0.0, le=50.0, description="Evidence from which two identities are taken to be one vehicle."
    )
    new_prior: float = Field(
        0.35, gt=0.0, lt=1.0, description="Share of arrivals expected to be vehicles never seen before, until learned."
    )
    arrival_prior_per_s: float = Field(
        0.1, gt=0.0, le=10.0, description="Arrivals per second expected at one camera, until learned."
    )
    travel_median_s: float = Field(
        12.0, gt=0.0, le=3600.0, description="Median travel time expected of a link nothing is known about."
    )
    travel_log_sd: float = Field(
        1.2, gt=0.1, le=3.0, description="Standard deviation of the logarithm of travel time over unknown links."
    )
    travel_spread: float = Field(
        0.3, gt=0.01, le=2.0, description="Spread of the logarithm of travel time expected on one link."
    )
    overlap_prior: float = Field(
        0.25, gt=0.0, lt=1.0, description="Chance that a vehicle still stands in one view when another shows it."
    )
    max_trip_s: float = Field(
        1800.0, ge=10.0, le=86_400.0, description="Longest plausible trip between two cameras; lifetime of a memory."
    )
    unknown_link_candidates: int = Field(
        200, ge=1, le=10_000, description="Identities compared over links never travelled: the nearest by appearance."
    )
    visits_kept: int = Field(16, ge=2, le=256, description="Most recent sightings remembered per identity.")
    camera_mean_min: int = Field(
        200, ge=2, le=100_000, description="Sightings of a camera below which its mean vector is not removed."
    )
    appearance_weight: float = Field(1.0, ge=0.0, le=2.0, description="Factor on calibrated appearance evidence.")
    time_weight: float = Field(1.0, ge=0.0, le=1.0, description="Factor on travel-time evidence.")
    zone_weight: float = Field(1.0, ge=0.0, le=1.0, description="Factor on entry- and exit-zone evidence.")
    class_weight: float = Field(
        0.5, ge=0.0, le=1.0, description="Factor on vehicle-class evidence, which appearance partly contains."
    )
    colour_weight: float = Field(
        0.5, ge=0.0, le=1.0, description="Factor on colour evidence, which appearance partly contains."
    )
    pinned_links: tuple[PinnedLink, ...] = Field(
        (), description="Links whose travel time is given. How many vehicles take them is learned all the same."
    )

    @field_validator("pinned_links")
    @classmethod
    def _pinned_once(cls, links: tuple[PinnedLink, ...]) -> tuple[PinnedLink, ...]:
        pairs = [(link.from_camera, link.to_camera) for link in links]
        twice = next((pair for pair in pairs if pairs.count(pair) > 1), None)
        if twice is not None:
            raise ValueError(f"the link from {twice[0]} to {twice[1]} is pinned twice")
        return links
