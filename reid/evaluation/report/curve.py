"""The reliability curve as inline SVG. Computes no figure."""

from __future__ import annotations

from reid.evaluation.reliability import Reliability

_SIDE_PX, _LEFT_PX, _TOP_PX = 260, 46, 12
_LARGEST_PX, _SMALLEST_PX = 12.0, 3.0


def reliability_svg(found: Reliability) -> str:
    """Share right by stated probability; a dot's area grows with its decisions, the diagonal is truth."""
    parts = [
        f'<svg class="curve" viewBox="0 0 {_LEFT_PX + _SIDE_PX + 16} {_TOP_PX + _SIDE_PX + 44}" '
        'role="img" aria-label="Reliability curve">'
    ]
    for tenth in range(0, 11, 2):
        x, y, label = _x(tenth / 10), _y(tenth / 10), f"{tenth / 10:g}"
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_y(0)}" x2="{x:.1f}" y2="{_y(1)}"/>')
        parts.append(f'<line class="grid" x1="{_x(0)}" y1="{y:.1f}" x2="{_x(1)}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{x:.1f}" y="{_y(0) + 16}" text-anchor="middle">{label}</text>')
        parts.append(f'<text x="{_x(0) - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    parts.append(f'<line class="truth" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>')
    dots = [(b.stated, b.observed, b.decisions) for b in found.bins if b.stated is not None and b.observed is not None]
    points = " ".join(f"{_x(stated):.1f},{_y(observed):.1f}" for stated, observed, _ in dots)
    parts.append(f'<polyline class="line" points="{points}"/>')
    most = max(decisions for _, _, decisions in dots)
    for stated, observed, decisions in dots:
        radius = max(_SMALLEST_PX, _LARGEST_PX * (decisions / most) ** 0.5)
        tip = f"{decisions} decisions, stated {stated:.2f}, right {observed:.2f}"
        dot = f'<circle class="dot" cx="{_x(stated):.1f}" cy="{_y(observed):.1f}" r="{radius:.1f}">'
        parts.append(f"{dot}<title>{tip}</title></circle>")
    middle = _x(0.5)
    parts.append(f'<text x="{middle}" y="{_y(0) + 36}" text-anchor="middle">stated probability</text>')
    turned = f'transform="rotate(-90 12 {_y(0.5)})"'
    parts.append(f'<text x="12" y="{_y(0.5)}" text-anchor="middle" {turned}>share right</text></svg>')
    return "".join(parts)


def _x(value: float) -> float:
    return _LEFT_PX + value * _SIDE_PX


def _y(value: float) -> float:
    return _TOP_PX + (1 - value) * _SIDE_PX
