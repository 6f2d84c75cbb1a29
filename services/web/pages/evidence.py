"""A vehicle's sightings, page by page, with why each belongs to it, and which of them are chosen. Asks nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from nicegui import ui

from services.matcher.types import SightingSummary
from services.web.drawing import clock
from services.web.parts.dialogs import heading, labelled
from services.web.parts.drawn import Drawn
from services.web.parts.markup import Html, cells, joined, table_of, tag, tick_box
from services.web.texts import _

#: Sightings on a page.
ROWS = 50


@dataclass(frozen=True, slots=True)
class Link:
    """Why a sighting belongs: how it was decided, how probable where that was judged, what spoke for it in nats."""

    status: str
    probability: float | None
    evidence: Mapping[str, float]


class EvidenceTable:
    """The sightings of one vehicle; the last page is shown first.

    Attributes:
        chosen: Ids of the sightings whose boxes are ticked, on any page.
    """

    def __init__(self, *, may_choose: bool) -> None:
        """Draws an empty table at this place of the page."""
        self.chosen: set[str] = set()
        self._may_choose = may_choose
        self._sightings: Sequence[SightingSummary] = ()
        self._links: Mapping[str, Link] = {}
        self._back = 0
        heading(_("Sightings and evidence"))
        self._table = Drawn({"choose": self._choose})
        labelled(self._table.element.classes("vr-scroll").props('tabindex="0" role="region"'), _("Sightings"))
        # They stay while the table is drawn anew, so that no click is lost.
        with ui.row().classes("items-center") as self._pager:
            self._newer = ui.button(_("Newer"), icon="chevron_left", on_click=partial(self._turn, -ROWS))
            self._older = ui.button(_("Older"), icon="chevron_right", on_click=partial(self._turn, ROWS))
            for button in (self._newer, self._older):
                button.props("flat dense no-caps")
            self._place = ui.label().classes("text-caption")
        self._pager.visible = False

    def show(self, sightings: Sequence[SightingSummary], links: Mapping[str, Link]) -> None:
        """Draws it anew.

        Args:
            sightings: In order of time.
            links: Why each belongs, by id, as far as that is known.
        """
        self._sightings, self._links = sightings, links
        self.chosen &= {sighting.sighting_id for sighting in sightings}
        self._back = min(self._back, max(len(sightings) - 1, 0) // ROWS * ROWS)
        self._draw()
        last = len(sightings) - self._back
        self._pager.visible = len(sightings) > ROWS
        self._newer.set_enabled(self._back > 0)
        self._older.set_enabled(last > ROWS)
        self._place.text = f"{max(last - ROWS, 0) + 1:,} - {last:,} {_('of')} {len(sightings):,}"

    def _turn(self, by: int) -> None:
        self._back = max(0, self._back + by)
        self.show(self._sightings, self._links)

    def _draw(self) -> None:
        names = (
            _("Camera"),
            _("From"),
            _("Until"),
            _("Class"),
            _("Decision"),
            _("Probability"),
            _("Evidence in nats"),
        )
        last = len(self._sightings) - self._back
        shown = self._sightings[max(last - ROWS, 0) : last]
        rows = joined(*(self._row(sighting, self._links.get(sighting.sighting_id)) for sighting in shown))
        self._table.show(table_of(_("Sightings"), ("", *names), rows))

    def _row(self, sighting: SightingSummary, link: Link | None) -> Html:
        name = sighting.sighting_id
        said = f"{_('Choose the sighting at')} {sighting.camera_id} {clock(sighting.start_ns)}"
        box = tick_box(said, "choose", name, ticked=name in self.chosen) if self._may_choose else ""
        return tag(
            "tr",
            tag("td", box),
            cells(
                sighting.camera_id,
                clock(sighting.start_ns),
                clock(sighting.end_ns, beside_ns=sighting.start_ns) + ("" if sighting.final else " …"),
                sighting.vehicle_class.name.lower(),
                link.status if link else "",
                f"{link.probability:.0%}" if link and link.probability is not None else "",
                ", ".join(f"{source} {nats:+.1f}" for source, nats in link.evidence.items()) if link else "",
            ),
        )

    def _choose(self, sighting_id: str, ticked: bool) -> None:
        if self._may_choose and sighting_id in {sighting.sighting_id for sighting in self._sightings}:
            (self.chosen.add if ticked else self.chosen.discard)(sighting_id)
