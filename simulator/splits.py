"""Which seeds and places belong to whom, so that nothing the product is shown or judged on was ever trained on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Split:
    """One share of the world.

    Attributes:
        name: Its name on the command line.
        seeds: Vehicle seeds that may be drawn.
        places: Places that may be rendered.
    """

    name: str
    seeds: range
    places: tuple[str, ...]


TRAIN = Split("train", range(100_000, 200_000), ("oldtown", "parkway", "station"))
DEMO = Split("demo", range(900_000, 901_000), ("riverside",))
JUDGED = Split("judged", range(1_000_000, 1 << 48), ("riverside",))

SPLITS: dict[str, Split] = {split.name: split for split in (TRAIN, DEMO, JUDGED)}
