"""What came out: counts of a data set, and which vehicles fell short of the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from simulator.dataset.plan import ReidPlan
from simulator.dataset.records import CropRecord
from simulator.dataset.veri import tracks


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished set in figures.

    Attributes:
        kind: ``reid`` or ``detection``.
        images: Pictures per part.
        vehicles: Vehicles per part (``reid``), or labelled boxes (``detection``).
        queries: Queries of the test part.
        lights: Pictures by light.
        faces: Pictures by side that they show.
        boxes: Pictures by what they were cut along.
        found_share: Share of pictures whose vehicle the detector found.
        one_faced_share: Share of tracklets (vehicle and camera) that show nothing but fronts, or nothing but rears.
        short: Vehicles with fewer cameras than planned, and how many they have.
    """

    kind: str
    images: dict[str, int]
    vehicles: dict[str, int]
    queries: int = 0
    lights: dict[str, int] = field(default_factory=dict)
    faces: dict[str, int] = field(default_factory=dict)
    boxes: dict[str, int] = field(default_factory=dict)
    found_share: float | None = None
    one_faced_share: float | None = None
    short: dict[str, int] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def summarise_crops(plan: ReidPlan, records: Sequence[CropRecord], queries: int) -> Summary:
    """Counts a re-identification set."""
    by_track = tracks(records)
    full = Counter(vehicle for (vehicle, _), track in by_track.items() if len(track) >= plan.crops_each)
    numbers = range(1, plan.train_vehicles + plan.test_vehicles + 1)
    one_faced = [len(faces) == 1 and "side" not in faces for faces in map(_faces, by_track.values())]
    owners = {record.vehicle: record.part for record in records}
    return Summary(
        kind=plan.kind,
        images=dict(Counter(record.part for record in records)),
        vehicles=dict(Counter(owners.values())),
        queries=queries,
        lights=dict(Counter(record.light for record in records)),
        faces=dict(Counter(record.face for record in records)),
        boxes=dict(Counter(record.box for record in records)),
        found_share=round(sum(record.found for record in records) / len(records), 3) if records else None,
        one_faced_share=round(sum(one_faced) / len(one_faced), 3) if one_faced else None,
        short={f"{number:04d}": full[number] for number in numbers if full[number] < plan.cameras_each},
    )


def summarise_pictures(records: Sequence[dict[str, Any]]) -> Summary:
    """Counts a detection set."""
    boxes: Counter[str] = Counter()
    for record in records:
        boxes[record["part"]] += sum(vehicle["labelled"] for vehicle in record["vehicles"])
    return Summary(
        kind="detection",
        images=dict(Counter(record["part"] for record in records)),
        vehicles=dict(boxes),
        lights=dict(Counter(record["light"] for record in records)),
    )


def _faces(track: Sequence[CropRecord]) -> set[str]:
    return {record.face for record in track}
