"""Describes sightings with a second model from their stored pictures, in the background. Decides and switches nothing.

What is done is known by what stands in the store, so whoever goes on after a crash begins where it stopped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from reid.types import Embedder, Image
from services.crops import CropStore
from services.errors import InputError, StoreUnavailable
from services.identity.rolling.contract import Described, Roll
from services.identity.store import IdentityStore, renewed_or_acquired
from services.rolling.pictures import stored_picture
from services.rolling.roster import ModelRoster
from services.types import Lease, ModelVectors
from services.vectors import mean_direction

log = logging.getLogger(__name__)

LEASE = "reembed"
CLEAR_ACTOR = "rolling"
_LEASE_S, _RENEW_S = 30.0, 5.0
_BATCH = 8
_PAGE = 500
_LOOK_EVERY_S, _REST_S = 2.0, 15.0
#: Sightings that are looked at, newest first, once nothing is being changed: a writer may have been late.
_RECENT = 2000


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass over the site did.

    Attributes:
        looked_at: Sightings.
        embedded: Sightings that have vectors of a model now that they lacked.
        pictures: Read for that.
        unpictured: Sightings that lack a model and have no picture that can be read.
    """

    looked_at: int = 0
    embedded: int = 0
    pictures: int = 0
    unpictured: int = 0


class Reembedder:
    """Gives sightings the vectors that they lack of the site's models.

    Args:
        store: Read and written.
        crops: Their pictures.
        roster: The models open here.
        pictures_per_s: Most pictures described per second, on average.
        owner: Names this process; the same name after a restart takes over at once.
    """

    def __init__(
        self, store: IdentityStore, crops: CropStore, roster: ModelRoster, pictures_per_s: float, owner: str
    ) -> None:
        self._store = store
        self._crops = crops
        self._roster = roster
        self._rate = pictures_per_s
        self._owner = owner
        self._lease: Lease | None = None
        self._renewed_s = 0.0

    def run(self, stop: threading.Event) -> None:
        """Works whenever something is to be described or cleared, until told to stop."""
        pause_s = _LOOK_EVERY_S
        while not stop.wait(pause_s):
            try:
                pause_s = self._turn(stop)
            except StoreUnavailable as exc:
                log.debug("store is away, no sighting is described meanwhile: %s", exc)
                pause_s = _LOOK_EVERY_S

    def _turn(self, stop: threading.Event) -> float:
        """One turn; returns seconds until the next."""
        roll = self._store.roll()
        if roll.active is None or not self._hold():
            return _LOOK_EVERY_S
        if roll.stage == "clearing":
            clear(self._store, roll, self._hold)
            return _LOOK_EVERY_S
        done = self.once(stop, None if len(roll.kept) > 1 else _RECENT, self._hold)
        if done.embedded:
            log.info("%d sightings described from %d pictures", done.embedded, done.pictures)
        return _REST_S

    def _hold(self) -> bool:
        """Whether this process is the one that works; asks the store now and then."""
        now_s = time.monotonic()
        if self._lease is None or now_s - self._renewed_s >= _RENEW_S:
            self._lease = renewed_or_acquired(self._store, self._lease, LEASE, self._owner, _LEASE_S)
            self._renewed_s = now_s
        return self._lease is not None

    def once(self, stop: threading.Event, newest: int | None = None, hold: Callable[[], bool] = lambda: True) -> Pass:
        """One pass over the site, newest first.

        Args:
            stop: Ends it between two batches.
            newest: Look at so many only; None for all.
            hold: Asked between two batches; where it says no another process works, and the pass ends.

        Raises:
            StoreUnavailable: The store does not answer; what was done is done.
        """
        roll = self._store.roll()
        embedders = [e for ref in roll.kept if (e := self._roster.of(ref.model_id)) is not None]
        looked_at = embedded = pictures = unpictured = 0
        for batch in _batches(islice(self._store.scan_described(), newest), _BATCH):
            if stop.is_set() or not hold():
                break
            looked_at += len(batch)
            lacking = [d for d in batch if any(e.spec.model_id not in d.model_ids for e in embedders)]
            if not lacking:
                continue
            views = [self._pictures(described) for described in lacking]
            unpictured += sum(not found for found in views)
            embedded += self._describe(embedders, lacking, views)
            read = sum(len(found) for found in views)
            pictures += read
            _wait(stop, read / self._rate, hold)
        return Pass(looked_at, embedded, pictures, unpictured)

    def _pictures(self, described: Described) -> list[Image]:
        found = (stored_picture(self._crops, key) for key in described.crop_keys)
        return [picture for picture in found if picture is not None]

    def _describe(
        self, embedders: Sequence[Embedder], lacking: Sequence[Described], views: Sequence[Sequence[Image]]
    ) -> int:
        """Embeds a batch with each model that it lacks; returns how many sightings have more vectors than before."""
        more: set[str] = set()
        for embedder in embedders:
            model_id = embedder.spec.model_id
            rows = [n for n, d in enumerate(lacking) if model_id not in d.model_ids and views[n]]
            vectors = embedder.embed([picture for n in rows for picture in views[n]])
            ends = np.cumsum([len(views[n]) for n in rows])
            for n, part in zip(rows, np.split(vectors, ends[:-1]), strict=False):
                found = ModelVectors(model_id, mean_direction(part), part.astype(np.float32))
                if self._store.put_beside(lacking[n].sighting_id, lacking[n].revision, found):
                    more.add(lacking[n].sighting_id)
        return len(more)


def clear(store: IdentityStore, roll: Roll, hold: Callable[[], bool] = lambda: True) -> int:
    """Removes the other model's vectors everywhere and ends the change; returns how many sightings were looked at.

    May be repeated, and done by several at once. Does nothing in another stage than ``clearing``, and stops where
    somebody else has ended the change meanwhile.

    Args:
        store: Read and written.
        roll: The change, as it stood a moment ago.
        hold: Asked between two pages; where it says no another process goes on, and nothing is ended here.

    Raises:
        StoreUnavailable: The store does not answer; what was removed is.
    """
    if roll.stage != "clearing" or roll.active is None or roll.other is None:
        return 0
    looked_at, found = 0, 1
    # The scan follows a moving order: what it may have passed over is looked for until nothing is found.
    while found:
        found = 0
        for number, page in enumerate(_batches(store.scan_described(), _PAGE)):
            if not hold() or store.roll() != roll:
                return looked_at
            both = [d.sighting_id for d in page if len(d.model_ids) > 1]
            store.settle_vectors(both)
            found += len(both)
            looked_at = max(looked_at, number * _PAGE + len(page))
    try:
        store.step_roll("done", roll.active, roll.other, CLEAR_ACTOR)
    except InputError as exc:
        if store.roll() == roll:
            raise
        log.debug("somebody else has ended the change: %s", exc)
    return looked_at


def _wait(stop: threading.Event, seconds: float, hold: Callable[[], bool]) -> None:
    """Waits, saying meanwhile that it works."""
    while seconds > 0 and not stop.wait(min(seconds, _RENEW_S)) and hold():
        seconds -= _RENEW_S


def _batches(found: Iterable[Described], size: int) -> Iterator[list[Described]]:
    remaining = iter(found)
    while batch := list(islice(remaining, size)):
        yield batch
