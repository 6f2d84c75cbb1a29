"""What is written and pictured on vehicles: invented names, numbers, sticker outlines, in two lists that share nothing.

Networks train on one list and are tested on the other, so that a score never rests on words learnt by heart.
"""

from __future__ import annotations

import numpy as np

_TRAINED = (
    *("VELANDO", "KORBEX", "TILMARO", "BRENDIS", "OSTELO", "FARNIQ", "LUMETTA", "GRAVONI", "PIXTORF", "HELMODA"),
    *("SARBENO", "DROVIA", "MUNDLER", "QUANDEL", "ZETTORI", "NORVALE", "ALPENZO", "CURTIVA", "WESTRIL", "IMBERTO"),
)
_UNSEEN = (
    *("RAMBOLI", "TOVENTA", "ELQUIST", "HARVOLD", "BINDORO", "SKELLIA", "MARUFEX", "ODANTRA", "PLENDIS", "VICTORO"),
    *("GOSTRAL", "UMBERIX", "FENLOCK", "CALDUNO", "YARMETH", "TRISOLA", "DEXBURN", "LANTOVA", "KIPPERO", "NUVELIS"),
)
_TRAINED_TRADES = ("BAKERY", "PAINTING", "FLOWERS", "PIPES", "PARCELS", "TILES")
_UNSEEN_TRADES = ("LAUNDRY", "ROOFING", "BOOKS", "WIRING", "CATERING", "GLASS")
_TRAINED_SHAPES = ("disc", "bar", "triangle", "ring")
_UNSEEN_SHAPES = ("star", "diamond", "cross", "arrow")


def words_of(name: str) -> tuple[str, ...]:
    """All invented names of one list.

    Args:
        name: ``trained`` or ``unseen``, as ``Split.words``.

    Raises:
        ValueError: Another name.
    """
    return _chosen(name, _TRAINED, _UNSEEN)


def shapes_of(name: str) -> tuple[str, ...]:
    """Sticker outlines of one list; see ``words_of``."""
    return _chosen(name, _TRAINED_SHAPES, _UNSEEN_SHAPES)


def draw_lettering(words: str, rng: np.random.Generator) -> str:
    """A company's lettering: its name, and below it (after a newline) its trade or its number."""
    name = str(rng.choice(words_of(words)))
    trade = str(rng.choice(_chosen(words, _TRAINED_TRADES, _UNSEEN_TRADES)))
    number = draw_number(rng)
    return (name, f"{name}\n{trade}", f"{name}\n{number}")[int(rng.integers(3))]


def draw_badge(rng: np.random.Generator) -> str:
    """A model's badge on a boot lid."""
    letters = "ABCDEGKLRSTVX"
    letter = letters[int(rng.integers(len(letters)))]
    return (
        f"{letter}{rng.integers(1, 9)}0",
        f"{rng.integers(1, 4)}.{rng.integers(0, 9)}{letter}",
        f"{letter}{letter}i",
    )[int(rng.integers(3))]


def draw_number(rng: np.random.Generator) -> str:
    """Like a telephone number; always of the range kept free for fiction."""
    return f"555 {rng.integers(10, 99)} {rng.integers(10, 99)}"


def _chosen(name: str, trained: tuple[str, ...], unseen: tuple[str, ...]) -> tuple[str, ...]:
    if name not in ("trained", "unseen"):
        raise ValueError(f"words must be 'trained' or 'unseen', not {name!r}")
    return trained if name == "trained" else unseen
