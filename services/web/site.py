"""What pages show of a site: the matcher's answers, the newest events, live pictures. Draws nothing."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

from services.access.roles import Caller
from services.client import MatcherClient
from services.client.acting import acting_for
from services.errors import NotFound, Unavailable, VreidError
from services.live.watcher import LiveWatcher
from services.live.wire import LivePicture
from services.rpc.convert_console import SiteEvent
from services.rpc.convert_standing import Forecast

log = logging.getLogger(__name__)

_EVERY_S = 1.0
_AT_ONCE = 500
_SHOWN_EVENTS = 300
_KNOWN_SIGHTINGS = 50_000
_KNOWN_PICTURES = 512
_ALERTS_EVERY_S = 2.0
_FORECAST_EVERY_S = 5.0
_HELD = 32
#: Pictures of a camera that are kept for browsers that have not fetched them yet.
_LATEST = 8

P = ParamSpec("P")
R = TypeVar("R")


@runtime_checkable
class Corrections(Protocol):
    """A client that can correct identities."""

    def identity_merge(self, survivor_id: str, absorbed_id: str, reason: str = "") -> Any:
        """Makes one identity an alias of another."""
        ...

    def identity_split(self, identity_id: str, sighting_ids: Sequence[str], reason: str = "") -> Any:
        """Moves sightings of an identity to a fresh one; the answer's ``new_identity_id``."""
        ...

    def identity_undo_last(self, identity_id: str, reason: str = "") -> Any:
        """Takes back the latest correction of an identity."""
        ...

    def identity_history_page(self, identity_id: str, *, after_event_id: str = "", limit: int = 0) -> Any:
        """What happened to an identity, ``events`` and ``next_event_id``; see MatcherClient."""
        ...


class Site:
    """One site, shared by all pages of a console. One event loop; calls to the matcher run in threads."""

    def __init__(
        self, client: MatcherClient, live: LiveWatcher, asking: Callable[[], Caller | None] = lambda: None
    ) -> None:
        """Asks nothing yet.

        Args:
            client: Of the matcher.
            live: Of the cameras.
            asking: Tells for whom a call is made, whose role and name it then carries; None for the console itself.
        """
        self.client = client
        self.live = live
        self._asking = asking
        self.events: deque[SiteEvent] = deque(maxlen=_SHOWN_EVENTS)
        self.reachable = False
        self.changes = 0
        self._decided: OrderedDict[str, SiteEvent] = OrderedDict()
        self._merged: OrderedDict[str, str] = OrderedDict()
        self._pictures: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._newest: dict[str, LivePicture] = {}
        self._latest: dict[str, deque[LivePicture]] = {}
        self._position = ""
        self._open_alerts = 0
        self._alerts_at_s = -1e9
        self._forecasts: OrderedDict[tuple[str, int], tuple[float, Forecast]] = OrderedDict()
        self._held: OrderedDict[str, bytes] = OrderedDict()

    @property
    def corrections(self) -> Corrections | None:
        """Merge, split and undo, where the client has them."""
        return self.client if isinstance(self.client, Corrections) else None

    async def ask(self, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """A call of the client in a thread, made for whoever looks at the page.

        Raises:
            Unauthenticated: The visitor's session has ended.
            VreidError: What the call raised.
        """
        with acting_for(self._asking()):
            return await asyncio.to_thread(call, *args, **kwargs)

    async def follow(self) -> None:
        """Reads what happens until cancelled; a matcher that is away is waited for."""
        while True:
            try:
                events, self._position = await self.ask(self.client.events, self._position, _AT_ONCE)
                self.reachable = True
                self._take(events)
                if len(events) < _AT_ONCE:
                    await asyncio.sleep(_EVERY_S)
            except Unavailable:
                self.reachable = False
                await asyncio.sleep(_EVERY_S)
            except VreidError as exc:
                self.reachable = False
                log.warning("cannot follow the site's events: %s", exc)
                await asyncio.sleep(5 * _EVERY_S)

    def decision(self, sighting_id: str) -> SiteEvent | None:
        """The newest decision on a sighting that the console saw being taken."""
        return self._decided.get(sighting_id)

    def identity_of(self, sighting_id: str) -> str:
        """Whose a sighting is, merges followed; empty where it is not decided or was decided before the console."""
        decided = self._decided.get(sighting_id)
        identity = decided.identity_id if decided is not None else ""
        for _ in range(32):
            if identity not in self._merged:
                break
            identity = self._merged[identity]
        return identity

    async def live_picture(self, camera_id: str) -> LivePicture | None:
        """A camera's newest picture with its JPEG; None while it is not live."""
        known = self._newest.get(camera_id)
        found = await self.live.picture(camera_id, known.captured_at_ns if known is not None else 0)
        if found is None:
            self._newest.pop(camera_id, None)
            self._latest.pop(camera_id, None)
            return None
        if found.jpeg:
            self._newest[camera_id] = found
            self._latest.setdefault(camera_id, deque(maxlen=_LATEST)).append(found)
        return self._newest.get(camera_id)

    async def open_alerts(self) -> int:
        """How many alerts nobody has taken note of, as of a moment ago."""
        now_s = time.monotonic()
        if now_s - self._alerts_at_s > _ALERTS_EVERY_S:
            self._alerts_at_s = now_s
            _page, self._open_alerts = await self.ask(self.client.alerts, 1, open_only=True)
        return self._open_alerts

    async def forecast(self, camera_id: str, left_ns: int) -> Forecast:
        """Where a vehicle that left a camera comes next, as of a few seconds ago."""
        key, now_s = (camera_id, left_ns), time.monotonic()
        kept = self._forecasts.get(key)
        if kept is None or now_s - kept[0] > _FORECAST_EVERY_S:
            kept = (now_s, await self.ask(self.client.camera_predict, camera_id, left_ns))
            self._forecasts[key] = kept
            while len(self._forecasts) > _KNOWN_PICTURES:
                self._forecasts.popitem(last=False)
        return kept[1]

    def hold(self, image: bytes) -> str:
        """Keeps a picture for a page that is opened next; returns a name for it that nobody can guess."""
        name = secrets.token_urlsafe(16)
        self._held[name] = image
        while len(self._held) > _HELD:
            self._held.popitem(last=False)
        return name

    def held(self, name: str) -> bytes:
        """A picture that was kept; empty where it is not, or no longer."""
        return self._held.get(name, b"")

    def shown_picture(self, camera_id: str, captured_at_ns: int) -> LivePicture | None:
        """The picture of that moment, whose boxes a page draws over it; the newest where it is not kept any more."""
        kept = self._latest.get(camera_id, ())
        return next((p for p in kept if p.captured_at_ns == captured_at_ns), self._newest.get(camera_id))

    async def picture(self, sighting_id: str, index: int) -> bytes | None:
        """A stored picture; None where there is none."""
        key = (sighting_id, index)
        if key not in self._pictures:
            try:
                self._pictures[key], _ = await self.ask(self.client.picture, sighting_id, index)
            except NotFound:
                return None
        self._pictures.move_to_end(key)
        while len(self._pictures) > _KNOWN_PICTURES:
            self._pictures.popitem(last=False)
        return self._pictures.get(key) or None

    def _take(self, events: Sequence[SiteEvent]) -> None:
        for event in events:
            if event.kind == "sighting.decided":
                self._decided[event.sighting_id] = event
            elif event.kind in ("sighting.put", "sighting.embedded"):  # a revision: its pictures may be others now
                self._forget_pictures(event.sighting_id)
                continue
            elif event.kind == "identity.merged":
                self._merged[event.other_identity_id] = event.identity_id
            elif event.kind == "identity.unmerged":
                self._merged.pop(event.other_identity_id, None)
            elif event.kind == "sighting.deleted":
                self._decided.pop(event.sighting_id, None)
                self._forget_pictures(event.sighting_id)
            self.events.appendleft(event)
        self.changes += len(events)
        for kept in (self._decided, self._merged):
            while len(kept) > _KNOWN_SIGHTINGS:
                kept.popitem(last=False)

    def _forget_pictures(self, sighting_id: str) -> None:
        for key in [key for key in self._pictures if key[0] == sighting_id]:
            del self._pictures[key]
