"""Which seeds, places, bodies and words belong to whom, so that what is shown or judged was never trained on.

Training draws from its own seeds, places, body models and lettering; the test set shares none of the four. The demo and
judged cities have seeds and places of their own and mix trained and untrained bodies, as a real town would.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Split:
    """One share of the world.

    Attributes:
        name: Its name on the command line.
        seeds: Vehicle seeds that may be drawn.
        places: Places that may be rendered.
        bodies: Which body models are drawn: ``trained``, those in their other shapes too (``shaped``), or ``all``.
        words: Which lettering is drawn: ``trained`` or ``unseen``.
    """

    name: str
    seeds: range
    places: tuple[str, ...]
    bodies: str
    words: str


#: Judged places that the whole pipeline is scored on; nothing is ever developed on them.
WHOLE = ("boulevard", "village", "docks")

TRAIN = Split("train", range(100_000, 200_000), ("oldtown", "parkway", "station"), "trained", "trained")
#: Training vehicles of a set that asks for more outlines than there are meshes.
SHAPED = replace(TRAIN, bodies="shaped")
TEST = Split("test", range(200_000, 300_000), ("hillside", "crossroads"), "all", "unseen")
DEMO = Split("demo", range(900_000, 901_000), ("riverside",), "all", "unseen")
JUDGED = Split(
    "judged", range(1_000_000, 1 << 48), ("corridor", "grid", "roundabout", "junction", *WHOLE), "all", "unseen"
)

SPLITS: dict[str, Split] = {split.name: split for split in (TRAIN, TEST, DEMO, JUDGED)}
#: Body models that no training set ever shows.
UNTRAINED_BODIES = frozenset({"beetle", "chevrolet", "p308", "sedan01b", "citybus"})
