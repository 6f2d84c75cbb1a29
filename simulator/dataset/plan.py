"""What a data set shall hold, and its division into blocks that are rendered one by one. Renders nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

from simulator.errors import DatasetError
from simulator.splits import SHAPED, TEST, TRAIN, Split
from simulator.vehicles.identity import ALIKE_SHARE, Appearance, draw_fleet

Plates = Literal["random", "masked"]
BoxSource = Literal["detector", "mask", "both"]

#: VeRi-776's own limits, which its readers check.
MOST_VEHICLES = 776
MOST_CAMERAS = 20
PICTURE_PX = (640, 360)
MOST_SEEDS = 90

_SEEDS_PER_SET = 1000
_DETECTION_SEEDS = 90_000
_VEHICLES_PER_BLOCK = 48
_PICTURES_PER_BLOCK = 25
_VEHICLES_PER_PICTURE_BLOCK = 60


@dataclass(frozen=True, slots=True)
class Part:
    """One side of the line that learning must not cross.

    Attributes:
        name: ``train`` or ``test``.
        number: Settles its randomness.
        split: Where its seeds, places, bodies and words come from.
    """

    name: str
    number: int
    split: Split


TRAIN_PART = Part("train", 1, TRAIN)
TEST_PART = Part("test", 2, TEST)
PARTS: dict[str, Part] = {part.name: part for part in (TRAIN_PART, TEST_PART)}


@dataclass(frozen=True, slots=True)
class Block:
    """What one process renders in one go; its randomness depends on the seed and its number alone.

    Attributes:
        part: Name of its part.
        index: From 0 within the part.
        first: First vehicle (or picture) of the part that is in it, from 0.
        count: How many of them.
        expected: Pictures it will write, as far as known beforehand.
    """

    part: str
    index: int
    first: int
    count: int
    expected: int

    @property
    def name(self) -> str:
        """What its records are called."""
        return f"{self.part}-{self.index:03d}"


@dataclass(frozen=True, slots=True)
class ReidPlan:
    """A re-identification set.

    Attributes:
        train_vehicles: In ``image_train``, numbered from 1.
        test_vehicles: In ``image_test``, numbered after those.
        cameras_each: Cameras that see each vehicle, at least.
        crops_each: Pictures of each vehicle in each of those.
        seed: Settles everything.
        boxes: What cuts the pictures: the detector's boxes alone, the truth's, or both as they come.
        plates: Number plates change with every view, or are blank.
        twins_share: Share of vehicles that copy another's model and colour.
        alike_share: Share of those that cannot be told from the other from one side.
        shapes: Training vehicles come in other shapes than the meshes' too (``vehicles.shapes``).
    """

    kind: ClassVar[str] = "reid"

    train_vehicles: int = 576
    test_vehicles: int = 200
    cameras_each: int = 6
    crops_each: int = 4
    seed: int = 0
    boxes: BoxSource = "both"
    plates: Plates = "random"
    twins_share: float = 0.2
    alike_share: float = ALIKE_SHARE
    shapes: bool = False

    def __post_init__(self) -> None:
        total = self.train_vehicles + self.test_vehicles
        if min(self.train_vehicles, self.test_vehicles) < 0 or not 1 <= total <= MOST_VEHICLES:
            raise DatasetError(f"VeRi-776's layout numbers 1 to {MOST_VEHICLES} vehicles, the plan asks for {total}")
        if not 2 <= self.cameras_each <= 8 or not 1 <= self.crops_each <= 20:
            raise DatasetError(
                f"2 to 8 cameras and 1 to 20 pictures per vehicle and camera are possible, "
                f"not {self.cameras_each} and {self.crops_each}"
            )
        _check_seed(self.seed)

    def blocks(self) -> Iterator[Block]:
        """In the order in which they are rendered."""
        each = self.cameras_each * self.crops_each
        for part, total in (("train", self.train_vehicles), ("test", self.test_vehicles)):
            for index, first in enumerate(range(0, total, _VEHICLES_PER_BLOCK)):
                count = min(_VEHICLES_PER_BLOCK, total - first)
                yield Block(part, index, first, count, count * each)

    def fleet(self, part: Part) -> list[Appearance]:
        """All vehicles of a part, numbered as its pictures are."""
        count = self.train_vehicles if part is TRAIN_PART else self.test_vehicles
        first_id = 1 if part is TRAIN_PART else self.train_vehicles + 1
        first_seed = part.split.seeds.start + self.seed * _SEEDS_PER_SET
        if not count:
            return []
        return draw_fleet(
            first_seed,
            count,
            split=SHAPED if self.shapes and part is TRAIN_PART else part.split,
            twins_share=self.twins_share,
            alike_share=self.alike_share,
            first_id=first_id,
        )

    def document(self) -> dict[str, Any]:
        """As JSON; two plans that give different sets differ here."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True, slots=True)
class DetectionPlan:
    """A detection set: whole pictures with boxes.

    Attributes:
        train_pictures: From the training places.
        test_pictures: From the test places; called ``val``, as YOLO's readers expect.
        seed: Settles everything.
    """

    kind: ClassVar[str] = "detection"

    train_pictures: int = 600
    test_pictures: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.train_pictures, self.test_pictures) < 0 or self.train_pictures + self.test_pictures < 1:
            raise DatasetError(f"no set of {self.train_pictures} + {self.test_pictures} pictures can be made")
        _check_seed(self.seed)

    def blocks(self) -> Iterator[Block]:
        """In the order in which they are rendered."""
        for part, total in (("train", self.train_pictures), ("test", self.test_pictures)):
            for index, first in enumerate(range(0, total, _PICTURES_PER_BLOCK)):
                count = min(_PICTURES_PER_BLOCK, total - first)
                yield Block(part, index, first, count, count)

    def fleet(self, part: Part, block: Block) -> list[Appearance]:
        """Vehicles of a block's pictures; other seeds than those of re-identification sets."""
        offset = _DETECTION_SEEDS + (self.seed * 64 + block.index) * _VEHICLES_PER_PICTURE_BLOCK
        first_seed = part.split.seeds.start + offset % (len(part.split.seeds) - _VEHICLES_PER_PICTURE_BLOCK)
        return draw_fleet(first_seed, _VEHICLES_PER_PICTURE_BLOCK, split=part.split, twins_share=0.1)

    def document(self) -> dict[str, Any]:
        """As JSON; two plans that give different sets differ here."""
        return {"kind": self.kind, **asdict(self)}


DatasetPlan = ReidPlan | DetectionPlan


def _check_seed(seed: int) -> None:
    if not 0 <= seed < MOST_SEEDS:
        raise DatasetError(f"a data set's seed lies between 0 and {MOST_SEEDS - 1}, got {seed}")
