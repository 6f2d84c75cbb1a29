"""Draws what is stuck, scraped and carried on a vehicle, side by side, as often as streets show it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulator.vehicles.appearance import Decal, Rgb
from simulator.vehicles.catalogue import BodyModel
from simulator.vehicles.paint import accent, standing_out
from simulator.vehicles.wording import draw_badge, draw_lettering, draw_number, shapes_of

_LOAD_SHARE = 0.36


@dataclass(frozen=True, slots=True)
class _Chance:
    """How often a kind of decal is seen on a side of a private and of a working vehicle."""

    kind: str
    side: str
    private: float
    working: float


_CHANCES = (
    _Chance("stripe", "flanks", 0.16, 0.18),
    _Chance("moulding", "flanks", 0.2, 0.10),
    _Chance("lettering", "flanks", 0.14, 0.0),
    _Chance("signwriting", "flanks", 0.0, 0.60),
    _Chance("dent", "left", 0.10, 0.12),
    _Chance("dent", "right", 0.10, 0.12),
    _Chance("scratch", "left", 0.12, 0.14),
    _Chance("scratch", "right", 0.12, 0.14),
    _Chance("sticker", "left", 0.10, 0.08),
    _Chance("sticker", "right", 0.10, 0.08),
    _Chance("door", "left", 0.07, 0.0),
    _Chance("door", "right", 0.07, 0.0),
    _Chance("bonnet_stripes", "top", 0.08, 0.0),
    _Chance("sunroof", "top", 0.15, 0.0),
    _Chance("permit", "front", 0.25, 0.20),
    _Chance("sticker", "front", 0.18, 0.10),
    _Chance("scratch", "front", 0.14, 0.14),
    _Chance("dent", "front", 0.06, 0.06),
    _Chance("lettering", "front", 0.0, 0.22),
    _Chance("tape", "front", 0.03, 0.03),
    _Chance("splashes", "front", 0.12, 0.16),
    _Chance("badge", "rear", 0.35, 0.15),
    _Chance("sticker", "rear", 0.28, 0.14),
    _Chance("scratch", "rear", 0.13, 0.13),
    _Chance("dent", "rear", 0.07, 0.08),
    _Chance("hitch", "rear", 0.10, 0.08),
    _Chance("lettering", "rear", 0.02, 0.45),
    _Chance("sticker", "rear_window", 0.26, 0.0),
    _Chance("wiped", "rear_window", 0.14, 0.0),
    _Chance("phone", "rear_window", 0.03, 0.0),
    _Chance("blind", "rear_window", 0.05, 0.0),
)
#: What may tell twins apart where nothing else does: small, on any body.
_SMALL = {
    "front": ("sticker", "splashes"),
    "rear": ("sticker",),
    "left": ("scratch", "sticker"),
    "right": ("scratch", "sticker"),
}


def draw_decals(body: BodyModel, ground: Rgb, words: str, rng: np.random.Generator) -> tuple[Decal, ...]:
    """All decals of one vehicle.

    Args:
        body: What they are put on.
        ground: Colour of the flanks; stripes and lettering stand out from it.
        words: List of lettering and sticker outlines, as ``Split.words``.
        rng: Consumed alike whatever is drawn.
    """
    drawn = []
    for chance in _CHANCES:
        draw, decal = rng.random(), _decal(chance.kind, chance.side, words, rng)
        if draw < _share(chance, body):
            readable = chance.kind in ("lettering", "signwriting", "stripe")
            drawn.append(replace(decal, colour=standing_out(decal.colour, ground)) if readable else decal)
    return tuple(drawn)


def draw_small_decal(
    side: str, ground: Rgb, words: str, rng: np.random.Generator, reach: tuple[float, float] = (0.0, 1.0)
) -> Decal:
    """A small cue for one side, plain enough to be seen.

    Args:
        side: ``front``, ``rear``, ``left`` or ``right``.
        ground: Colour of the body, from which it stands out.
        words: As ``Split.words``.
        rng: Source of chance.
        reach: Part of the side's width it keeps to.
    """
    decal = _decal(str(rng.choice(_SMALL[side])), side, words, rng, reach)
    return replace(decal, colour=standing_out(decal.colour, ground))


def draw_load(body: BodyModel, rng: np.random.Generator) -> str | None:
    """What it carries, if its roof carries anything."""
    draw, pick = rng.random(), rng.random()
    if not body.loads or draw > _LOAD_SHARE:
        return None
    return body.loads[int(pick * len(body.loads))]


def _share(chance: _Chance, body: BodyModel) -> float:
    if body.kind == "motorcycle":
        return 0.25 if (chance.kind, chance.side) in (("lettering", "rear"), ("sticker", "rear")) else 0.0
    if body.kind == "bus" and chance.side == "flanks":
        return {"lettering": 0.6, "signwriting": 0.0}.get(chance.kind, chance.working)
    return chance.private if body.kind == "car" else chance.working


def _decal(
    kind: str, side: str, words: str, rng: np.random.Generator, reach: tuple[float, float] = (0.0, 1.0)
) -> Decal:
    seed, colour, shape = int(rng.integers(1 << 31)), accent(rng), str(rng.choice(shapes_of(words)))
    lettering = draw_lettering(words, rng)
    texts = {"lettering": lettering, "signwriting": lettering, "phone": draw_number(rng), "badge": draw_badge(rng)}
    return Decal(kind, side, colour, seed, texts.get(kind, ""), shape if kind == "sticker" else "", reach)
