"""SVG for pages: boxes over a picture, a vehicle's way through the cameras, the cameras as a graph. Pure text."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import pairwise

from tracker.multi_camera.topology.report import LinkReport

#: From this chance on views count as overlapping.
_OVERLAPS = 0.3


def colour_of(identity_id: str) -> str:
    """A colour that stays with an identity, legible on dark and light.

    >>> colour_of("") == "hsl(0 0% 85%)"
    True
    """
    if not identity_id:
        return "hsl(0 0% 85%)"
    hue = int.from_bytes(hashlib.sha256(identity_id.encode()).digest()[:2]) % 360
    return f"hsl({hue} 85% 60%)"


def short(name: str) -> str:
    """The end of an id, which differs most, for people.

    >>> short("019123ab-0000-7000-8000-00000000beef")
    '…00beef'
    """
    return name if len(name) <= 8 else f"…{name[-6:]}"


def clock(ns: int, *, date: bool = False, beside_ns: int | None = None) -> str:
    """UTC nanoseconds as local time of the machine that serves.

    Args:
        ns: The moment.
        date: Always with the date; otherwise where it is another one than that of ``beside_ns``.
        beside_ns: A moment that is shown beside it; None for now.
    """
    moment = _local(ns)
    other = datetime.now(UTC).astimezone() if beside_ns is None else _local(beside_ns)
    return moment.strftime("%Y-%m-%d %H:%M:%S" if date or moment.date() != other.date() else "%H:%M:%S")


def clock_span(start_ns: int, end_ns: int, *, date: bool = False) -> str:
    """Two moments, UTC nanoseconds, as local time; a date that both share is said once.

    >>> clock_span(0, 2 * 10**9)[-8:] == clock(2 * 10**9, beside_ns=0)
    True
    """
    return f"{clock(start_ns, date=date)} - {clock(end_ns, beside_ns=start_ns)}"


def _local(ns: int) -> datetime:
    return datetime.fromtimestamp(ns / 1e9, UTC).astimezone()


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box over a picture: corners in px of the picture, its label, its colour, and perhaps where it leads."""

    xyxy: tuple[float, float, float, float]
    label: str
    colour: str
    href: str = ""


def boxes_svg(boxes: Sequence[DrawnBox], width: int) -> str:
    """Rectangles with labels for a picture ``width`` px wide."""
    scale = max(width, 1) / 640
    parts = []
    for box in boxes:
        x1, y1, x2, y2 = box.xyxy
        above = max(y1 - 5 * scale, 15 * scale)
        drawn = (
            f'<rect x="{x1:.0f}" y="{y1:.0f}" width="{x2 - x1:.0f}" height="{y2 - y1:.0f}" fill="transparent" '
            f'stroke="{box.colour}" stroke-width="{2 * scale:.1f}" pointer-events="all"/>'
            f'<text x="{x1:.0f}" y="{above:.0f}" font-size="{15 * scale:.1f}" font-family="sans-serif" '
            f'font-weight="600" fill="{box.colour}" stroke="black" stroke-width="{2 * scale:.1f}" '
            f'stroke-linejoin="round" style="paint-order: stroke">{escape(box.label)}</text>'
        )
        if box.href:
            drawn = f'<a href="{escape(box.href, quote=True)}" aria-label="{escape(box.label, quote=True)}">{drawn}</a>'
        parts.append(drawn)
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Visit:
    """A passage through a camera, UTC nanoseconds."""

    camera_id: str
    start_ns: int
    end_ns: int


def route_svg(visits: Sequence[Visit], colour: str) -> str:
    """A vehicle's way: a row per camera, time to the right, passages joined in order of time."""
    cameras = list(dict.fromkeys(visit.camera_id for visit in visits))
    if not cameras:
        return ""
    left, right, row, top = 130, 880, 34, 12
    first, last = min(v.start_ns for v in visits), max(v.end_ns for v in visits)
    span = max(last - first, 1)

    def x(ns: int) -> float:
        return left + (right - left) * (ns - first) / span

    def y(camera: str) -> float:
        return top + row * (cameras.index(camera) + 0.5)

    height = top + row * len(cameras) + 30
    parts = []
    for camera in cameras:
        parts.append(
            f'<line x1="{left}" x2="{right}" y1="{y(camera):.1f}" y2="{y(camera):.1f}" class="vr-line"/>'
            f'<text x="8" y="{y(camera) + 5:.1f}" class="vr-text">{escape(camera[:16])}</text>'
        )
    ordered = sorted(visits, key=lambda visit: visit.start_ns)
    for before, after in pairwise(ordered):
        parts.append(
            f'<line x1="{x(before.end_ns):.1f}" y1="{y(before.camera_id):.1f}" x2="{x(after.start_ns):.1f}" '
            f'y2="{y(after.camera_id):.1f}" stroke="{colour}" stroke-width="2" stroke-dasharray="4 3"/>'
        )
    for visit in ordered:
        wide = max(x(visit.end_ns) - x(visit.start_ns), 6.0)
        told = f"{visit.camera_id} {clock_span(visit.start_ns, visit.end_ns)}"
        parts.append(
            f'<rect x="{x(visit.start_ns):.1f}" y="{y(visit.camera_id) - 8:.1f}" width="{wide:.1f}" height="16" rx="4" '
            f'fill="{colour}"><title>{escape(told)}</title></rect>'
        )
    for ns, anchor in ((first, "start"), (last, "end")):
        parts.append(
            f'<text x="{x(ns):.1f}" y="{height - 8}" text-anchor="{anchor}" class="vr-text">{clock(ns)}</text>'
        )
    return (
        f'<svg viewBox="0 0 900 {height}" role="img" aria-label="route over time" class="vr-svg">{"".join(parts)}</svg>'
    )


def topology_svg(cameras: Sequence[str], links: Sequence[LinkReport]) -> str:
    """Cameras on a circle, an arrow per link: thicker where more of those that leave go, dashed over overlaps."""
    middle, radius = 300, 215
    turn = 2 * math.pi / max(len(cameras), 1)
    places = {
        camera: (middle + radius * math.sin(i * turn), middle - radius * math.cos(i * turn))
        for i, camera in enumerate(cameras)
    }
    parts = [
        '<defs><marker id="vr-tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="5" markerHeight="5" '
        'orient="auto">'
        '<path d="M0 0L10 5L0 10z" class="vr-tip"/></marker></defs>'
    ]
    parts += [_arrow(link, places) for link in links if link.from_camera in places and link.to_camera in places]
    for camera, (cx, cy) in places.items():
        parts.append(
            f'<g><title>{escape(camera)}</title><circle cx="{cx:.0f}" cy="{cy:.0f}" r="30" class="vr-node"/>'
            f'<text x="{cx:.0f}" y="{cy + 5:.0f}" text-anchor="middle" class="vr-text">{escape(camera[:9])}</text></g>'
        )
    told = f"{len(cameras)} cameras, {len(parts) - 1 - len(cameras)} links between them; the table lists them"
    return f'<svg viewBox="0 0 600 600" role="img" aria-label="{told}" class="vr-svg">{"".join(parts)}</svg>'


def _arrow(link: LinkReport, places: Mapping[str, tuple[float, float]]) -> str:
    """A link as a bent arrow with its median travel time."""
    (xa, ya), (xb, yb) = places[link.from_camera], places[link.to_camera]
    length = math.hypot(xb - xa, yb - ya) or 1.0
    ux, uy = (xb - xa) / length, (yb - ya) / length
    sx, sy, ex, ey = xa + 34 * ux, ya + 34 * uy, xb - 34 * ux, yb - 34 * uy
    bx, by = (sx + ex) / 2 - 36 * uy, (sy + ey) / 2 + 36 * ux
    dashed = " vr-overlap" if link.overlap >= _OVERLAPS else ""
    time = "" if link.travel_median_s is None else f"{link.travel_median_s:.0f} s"
    name = f"{link.from_camera} to {link.to_camera}: {link.share:.0%}"
    return (
        f'<path d="M{sx:.0f} {sy:.0f}Q{bx:.0f} {by:.0f} {ex:.0f} {ey:.0f}" class="vr-trip{dashed}" fill="none" '
        f'stroke-width="{1 + 4 * link.share:.1f}" marker-end="url(#vr-tip)"><title>{escape(name)}</title></path>'
        f'<text x="{bx:.0f}" y="{by:.0f}" text-anchor="middle" class="vr-text vr-on">{time}</text>'
    )
