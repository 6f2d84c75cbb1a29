"""How the sightings of one vehicle were decided, read from its history page by page. Draws nothing."""

from __future__ import annotations

from services.matcher.types import HistoryEntry, IdentityDetail
from services.web.pages.evidence import Link
from services.web.site import Site
from services.web.texts import _

#: Events at once: a history of many thousands holds up neither the matcher nor the console.
_AT_ONCE = 1000


class Decisions:
    """What a history says of sightings; goes on where it had stopped.

    Attributes:
        links: Why sightings belong, by id.
    """

    def __init__(self, site: Site) -> None:
        """Reads nothing yet."""
        self.links: dict[str, Link] = {}
        self._site = site
        self._after = ""
        self._aliases: tuple[str, ...] = ()

    async def read_on(self, detail: IdentityDetail) -> bool:
        """Reads what has happened since; returns whether that says anything of sightings.

        Raises:
            VreidError: The matcher does not answer, or keeps nothing of this vehicle.
        """
        if self._aliases != detail.record.aliases:  # who has come brings events from before
            self._aliases, self._after = detail.record.aliases, ""
        said, more = False, True
        while more:
            page = await self._site.ask(
                self._site.client.identity_history_page,
                detail.record.identity_id,
                after_event_id=self._after,
                limit=_AT_ONCE,
            )
            for event in page.events:
                self._after = event.event_id
                said = self._take(event) or said
            more = bool(page.next_event_id)
        return said

    def _take(self, event: HistoryEntry) -> bool:
        if event.kind == "sighting.decided":
            self.links |= dict.fromkeys(event.sighting_ids, Link(event.status, event.probability, event.evidence))
        elif event.kind == "identity.split":  # decided for whom they left, whose history this is not
            for name in event.sighting_ids:
                self.links.setdefault(name, Link(_("split off"), None, {}))
        else:
            return False
        return True
