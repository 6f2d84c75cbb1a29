"""How much memory and disk a site needs: the formula, from cameras and retention. Looks at nothing.

Per sighting, with D numbers in a vector, B boxes, 1 + 4 vectors of two bytes each in the store::

    store     = 2500 + 32 B + 2 D (1 + 4)     bytes: texts and keys, boxes with times and frames, vectors
    log       = 4 x 350                        bytes: put and decided, twice (a provisional and a final revision)
    gallery   = 4 D (1 + 4) + 400              bytes of memory: float32 vectors and columns
    pictures  = 4 x 8000                       bytes of disk, where crops are kept

The server's append-only file holds what was written until it is rewritten, at most about twice its memory; while it is
rewritten there are two of them, so disk is three times the store.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.cli.doctor.check import Finding

_DAY_S = 86_400.0
_ROLES_BYTES = 1.2e9
_CAMERA_BYTES = 40e6
_TEXTS, _BOX, _EVENTS, _COLUMNS, _PICTURE = 2500, 32, 4 * 350, 400, 8000
_VECTORS = 5
_AOF = 3
#: Vehicles that pass a camera in a day, where nothing is known: a busy street by day, little by night.
ASSUMED_PER_CAMERA_DAY = 3000.0
ASSUMED_BOXES = 60


@dataclass(frozen=True, slots=True)
class Load:
    """What a site has to keep.

    Attributes:
        cameras: How many.
        per_camera_day: Sightings of each in a day.
        retention_s: How long they are kept.
        dim: Numbers in a vector.
        boxes: Boxes of a sighting, on average.
        measured: Whether ``per_camera_day`` was seen rather than assumed.
    """

    cameras: int
    per_camera_day: float = ASSUMED_PER_CAMERA_DAY
    retention_s: float = 30 * _DAY_S
    dim: int = 256
    boxes: int = ASSUMED_BOXES
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Sizing:
    """What that takes at full retention, bytes."""

    sightings: float
    store_memory: float
    gallery_memory: float
    memory: float
    store_disk: float
    picture_disk: float
    disk: float


def sizing(load: Load) -> Sizing:
    """The formula.

    >>> wanted = sizing(Load(cameras=10, per_camera_day=1000, retention_s=86_400 * 10, dim=128, boxes=100))
    >>> wanted.sightings, wanted.store_memory, wanted.gallery_memory
    (100000.0, 838000000.0, 296000000.0)
    """
    sightings = load.cameras * load.per_camera_day * load.retention_s / _DAY_S
    each = _TEXTS + _BOX * load.boxes + 2 * load.dim * _VECTORS + _EVENTS
    store = sightings * each
    gallery = sightings * (4 * load.dim * _VECTORS + _COLUMNS)
    pictures = sightings * 4 * _PICTURE
    return Sizing(
        sightings=sightings,
        store_memory=store,
        gallery_memory=gallery,
        memory=_ROLES_BYTES + _CAMERA_BYTES * load.cameras + store + gallery,
        store_disk=_AOF * store,
        picture_disk=pictures,
        disk=_AOF * store + pictures + gallery,
    )


def explained(load: Load) -> Finding:
    """The sizing in words."""
    wanted = sizing(load)
    origin = "as seen so far" if load.measured else "assumed, see --vehicles"
    detail = (
        f"{load.cameras} cameras x {load.per_camera_day:.0f} sightings a day ({origin}) x "
        f"{load.retention_s / _DAY_S:g} days = {wanted.sightings:.0f} sightings: memory {wanted.memory / 1e9:.1f} GB "
        f"(store {wanted.store_memory / 1e9:.1f}, gallery {wanted.gallery_memory / 1e9:.1f}), "
        f"disk {wanted.disk / 1e9:.1f} GB (pictures {wanted.picture_disk / 1e9:.1f})"
    )
    figures = {
        "cameras": float(load.cameras),
        "sightings_per_camera_day": load.per_camera_day,
        "retention_days": load.retention_s / _DAY_S,
        "sightings": wanted.sightings,
        "store_memory_gb": wanted.store_memory / 1e9,
        "gallery_memory_gb": wanted.gallery_memory / 1e9,
        "memory_gb": wanted.memory / 1e9,
        "store_disk_gb": wanted.store_disk / 1e9,
        "picture_disk_gb": wanted.picture_disk / 1e9,
        "disk_gb": wanted.disk / 1e9,
    }
    if not load.cameras:
        return Finding(
            "warn", "no camera is configured", "name cameras in the configuration, or: vreid camera add", figures
        )
    return Finding("ok", detail, figures=figures)
