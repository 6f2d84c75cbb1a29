"""Owns the settings of single-camera tracking, with their bounds. Never reads a file or the environment."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AssociationSettings(_Section):
    """Which detection continues which track."""

    high_score: float = Field(0.25, ge=0, le=1, description="Detections from this score on are matched first.")
    low_score: float = Field(
        0.1, ge=0, le=1, description="Detections above this score may continue a track that the first stage left over."
    )
    new_track_score: float = Field(0.25, ge=0, le=1, description="Score from which an unmatched detection is a track.")
    match_cost: float = Field(0.8, gt=0, le=1, description="First stage: largest 1 - IoU (times score) of a match.")
    low_match_cost: float = Field(0.5, gt=0, le=1, description="Second stage, low scores: largest 1 - IoU of a match.")
    lost_low_match_cost: float = Field(
        0.3, ge=0, le=1, description="The same where low scores find lost tracks again; 0 for never."
    )
    last_place_cost: float = Field(
        0.4,
        ge=0,
        le=1,
        description="ByteTrack: largest 1 - IoU with its last detection of a track that is not where it was foretold; "
        "0 for never.",
    )
    unconfirmed_match_cost: float = Field(0.7, gt=0, le=1, description="Largest cost of confirming a new track.")
    fuse_score: bool = Field(True, description="Multiply IoU by the detection's score where high scores are matched.")
    duplicate_iou: float = Field(
        0.85, gt=0, le=1, description="A seen and a lost track that overlap more than this are one: the older stays."
    )
    double_iou: float = Field(
        0.5, gt=0, le=1, description="No track starts on a box that overlaps another track's detection more than this."
    )
    lost_after_s: float = Field(
        1.5,
        gt=0,
        le=60,
        description="Seconds without a box after which a track closes; until then it may be found. At least 2.5 usual "
        "frame intervals, up to 10 s.",
    )
    still_after_s: float = Field(5.0, gt=0, le=3600, description="Seconds in one place that make a vehicle parked.")
    still_iou: float = Field(0.5, gt=0, lt=1, description="A vehicle whose box keeps this IoU stands in one place.")
    still_lost_after_s: float = Field(
        5.0, gt=0, le=600, description="As lost_after_s for a parked vehicle: traffic passing in front hides it longer."
    )
    late_margin: float = Field(
        0.1, ge=0, le=2, description="Growth of boxes in matching per nominal interval that a frame is late, in sides."
    )
    new_late_margin: float = Field(
        0.3, ge=0, le=2, description="The same for a track of a single box, whose speed is not known yet."
    )
    max_margin: float = Field(0.5, ge=0, le=5, description="Largest such growth.")
    nominal_interval_s: float = Field(
        0.1, gt=0, le=10, description="Frame interval for which the motion noise is stated; other intervals are scaled."
    )

    @model_validator(mode="after")
    def _ordered(self) -> AssociationSettings:
        if self.low_score > self.high_score:
            raise ValueError(f"low_score {self.low_score} must not exceed high_score {self.high_score}")
        return self


class OcSortSettings(_Section):
    """What OC-SORT does differently from ByteTrack."""

    inertia: float = Field(
        0.2, ge=0, le=1, description="Cost of a match that turns a vehicle round; in proportion for smaller angles."
    )
    direction_s: float = Field(0.3, gt=0, le=5, description="Seconds over which a vehicle's direction is taken.")
    low_scores: bool = Field(True, description="Low scores may continue a track, as in ByteTrack.")


class TrackletSettings(_Section):
    """When a track is told to the outside."""

    first_revision_s: float = Field(2.0, gt=0, le=60, description="Seconds of life before the first revision.")
    longest_revision_s: float = Field(
        60.0, gt=0, le=3600, description="Revisions come at doubling intervals up to this many seconds."
    )
    moved_iou: float = Field(
        0.7, gt=0, lt=1, description="A box with a lower IoU with the last one told is news, worth a revision."
    )
    min_boxes: int = Field(3, ge=1, le=100, description="Tracks with fewer boxes are never told.")
    min_duration_s: float = Field(0.4, ge=0, le=60, description="Tracks shorter than this are never told.")
    max_boxes: int = Field(600, ge=8, le=100_000, description="Boxes kept per track; longer ones are thinned evenly.")
    smooth_s: float = Field(
        0.6,
        ge=0,
        le=5,
        description="Boxes are told smoothed over those up to so many seconds before and after; 0 for as detected.",
    )
    contact_iou: float = Field(
        0.3, gt=0, le=1, description="Two tracks whose boxes overlap so much may have been taken for each other."
    )
    split_nats: float = Field(
        1.0,
        ge=0,
        le=100,
        description="Evidence of appearance against one vehicle, in nats, from which a track is split at a contact.",
    )
    join_window_s: float = Field(
        3.0,
        ge=0,
        le=60,
        description="A track may continue one that was last seen at most so long before; 0 joins none.",
    )
    still_join_window_s: float = Field(
        30.0, ge=0, le=3600, description="As join_window_s where a parked vehicle was last seen."
    )
    join_distance: float = Field(
        1.0, gt=0, le=10, description="Farthest from the foretold path that a continuation may begin, in box sizes."
    )
    join_nats: float = Field(
        0.0, ge=-100, le=100, description="Least evidence of appearance, in nats, for joining two tracks."
    )


class CropSettings(_Section):
    """Which pictures of a vehicle are kept."""

    count: int = Field(4, ge=1, le=16, description="Crops per tracklet.")
    padding: float = Field(
        0.02,
        ge=0,
        le=0.5,
        description="Margin on every side, as a share of the box's side; as the network was trained.",
    )
    max_occlusion: float = Field(0.4, ge=0, le=1, description="No crop while more of the box than this is covered.")
    clipped_factor: float = Field(
        0.3, ge=0, le=1, description="Quality factor of a box that the image's border cuts through."
    )
    border_px: float = Field(2.0, ge=0, le=50, description="A box that comes so near to the border is cut by it.")
    min_side_px: float = Field(12.0, ge=2, le=500, description="No crop of boxes with a shorter side.")
    full_size_px: float = Field(128.0, ge=8, le=2000, description="sqrt(area) from which size costs no quality.")
    half_sharp_variance: float = Field(
        300.0, gt=0, description="Variance of the Laplacian at which sharpness counts one half."
    )
    max_side_px: int = Field(512, ge=64, le=4096, description="Larger crops are scaled down to this longest side.")
    view_step: float = Field(
        0.5, gt=0, le=10, description="Movement, in box sizes, that makes another view; doubles on long paths."
    )
    better_by: float = Field(1.1, ge=1, le=2, description="A crop is replaced by one better by this factor.")


class FillSettings(_Section):
    """By which detections that belong to no track a track is lengthened before its beginning and after its end."""

    longest_s: float = Field(1.0, ge=0, le=10, description="Seconds by which either end is lengthened; 0 for never.")
    gap_s: float = Field(0.3, gt=0, le=5, description="Longest time without a fitting box.")
    least_iou: float = Field(0.6, gt=0, le=1, description="Least IoU of a box with where the vehicle is expected.")
    double_iou: float = Field(
        0.3, gt=0, le=1, description="No box that overlaps another track's more than this is taken: it is its double."
    )
    kept_s: float = Field(6.0, ge=0, le=60, description="Seconds for which detections are kept.")
    max_frames: int = Field(256, ge=1, le=10_000, description="Most frames whose detections are kept.")


class ZoneSettings(_Section):
    """How a camera's entry and exit zones are learned; lengths are fractions of the picture's sides."""

    sample: int = Field(256, ge=16, le=4096, description="Track ends kept of either kind.")
    least_ends: int = Field(24, ge=4, le=4096, description="No zone is learned from fewer ends.")
    radius: float = Field(0.06, gt=0, le=0.5, description="Ends so near to each other are neighbours.")
    least_neighbours: int = Field(3, ge=1, le=100, description="Neighbours that make a place dense.")
    least_share: float = Field(0.05, ge=0, le=0.5, description="As least_neighbours, as a share of all ends kept.")
    margin: float = Field(0.03, ge=0.001, le=0.2, description="Growth of a zone beyond the ends seen in it.")


class TrackerSettings(_Section):
    """Single-camera tracking. A name alone stands for its algorithm: ``tracker: ocsort``."""

    algorithm: Literal["bytetrack", "ocsort"] = Field(
        "bytetrack", description="How detections are joined to tracks: bytetrack or ocsort."
    )
    ocsort: OcSortSettings = Field(
        default_factory=OcSortSettings, description="What OC-SORT does differently from ByteTrack."
    )
    association: AssociationSettings = Field(
        default_factory=AssociationSettings, description="Which detection continues which track."
    )
    tracklets: TrackletSettings = Field(
        default_factory=TrackletSettings, description="When a track is told to the outside."
    )
    fill: FillSettings = Field(
        default_factory=FillSettings, description="Lengthening of tracks by detections that belong to none."
    )
    crops: CropSettings = Field(default_factory=CropSettings, description="Which pictures of a vehicle are kept.")
    zones: ZoneSettings = Field(default_factory=ZoneSettings, description="How entries and exits are learned.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        return {"algorithm": data} if isinstance(data, str) else data
