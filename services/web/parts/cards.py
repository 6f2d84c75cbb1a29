"""Cards that several pages show, as markup: an identity, a match."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from nicegui import ui

from services.matcher.types import IdentityDetail
from services.types import Match
from services.web.drawing import clock_span, colour_of, short
from services.web.parts.markup import (
    Html,
    act_button,
    badge,
    dot,
    early_picture,
    link_button,
    picture_source,
    stored_picture,
    tag,
)
from services.web.texts import _

#: Pictures that a page shows at first.
_IN_VIEW = 8


def identity_card(detail: IdentityDetail) -> Html:
    """A vehicle with its best picture, where it was and when."""
    record = detail.record
    name = record.identity_id
    best = detail.best_sighting_id
    return tag(
        "a",
        stored_picture(best, _("Vehicle") + " " + short(name)) if best else "",
        tag("div", dot(colour_of(name)), tag("b", short(name)), badge(record.status or "?"), class_="vr-row"),
        tag("div", " → ".join(record.cameras), class_="text-caption"),
        tag("div", clock_span(record.first_seen_ns, record.last_seen_ns), class_="text-caption"),
        href=f"/identity/{name}",
        class_="vr-card vr-plain",
    )


def match_card(match: Match, not_this: str) -> Html:
    """A sighting that looks like what was asked for.

    Args:
        match: What was found.
        not_this: The act of the button that puts it aside; it is about the sighting's id.
    """
    name = match.identity_id
    percent = f"{match.probability:.0%}"
    return tag(
        "div",
        stored_picture(match.sighting_id, _("Match at") + " " + match.camera_id),
        tag(
            "div",
            tag("span", percent, class_="text-h6"),
            tag("span", f"{_('similarity')} {match.similarity:.2f}", class_="text-caption"),
            tag("span", f"{_('posterior')} {match.posterior:.0%}", class_="text-caption"),
            class_="vr-row",
        ),
        tag(
            "div",
            tag("div", style=f"width: {max(0.0, min(1.0, match.probability)):.1%}"),
            class_="vr-meter",
            role="progressbar",
            aria_label=_("probability"),
            aria_valuemin=0,
            aria_valuemax=1,
            aria_valuenow=f"{match.probability:.4f}",
        ),
        tag(
            "div",
            f"{match.camera_id} · {clock_span(match.first_seen_ns, match.last_seen_ns)}",
            class_="text-caption",
        ),
        tag(
            "div",
            link_button(short(name), "directions_car", f"/identity/{name}") if name else "",
            act_button(_("Not this one"), "block", not_this, match.sighting_id),
            class_="vr-row",
        ),
        class_="vr-card",
    )


def fetch_early(sighting_ids: Iterable[str]) -> None:
    """Has the browser fetch the first pictures of a page while it still reads scripts; only while the page is built."""
    ui.add_head_html("".join(early_picture(name) for name in islice(filter(None, sighting_ids), _IN_VIEW)))


def crop_picture(sighting_id: str, alt: str) -> ui.element:
    """A stored picture of a sighting, as an element of the page."""
    image = ui.element("img").classes("vr-crop")
    image.props(f'src="{picture_source(sighting_id)}" alt="{alt}" loading=lazy')
    return image
