"""Standing queries that live in the store: follows the log, raises alerts. Tells nobody and asks no network.

Several matchers may do so at once: an alert is one by its query and sighting, however often it is raised.
"""

from __future__ import annotations

import base64
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detector.types import VehicleClass
from services.errors import ModelMismatch, NotFound, Unavailable
from services.identity.standing.contract import AlertRecord, StandingProbe, StandingRecord, alert_id
from services.identity.store import Event, IdentityStore
from services.matcher.gallery import Gallery, model_changed
from services.matcher.index.contract import Vectors
from services.matcher.types import SearchFilter

log = logging.getLogger(__name__)

_BATCH = 256
_BLOCK_MS = 200
_WAIT_S = 30.0
_RETRY_S = 1.0
#: How often queries are read again, and what their sightings and identities look like.
_READ_EVERY_S = 2.0
#: How often it is written down how far the log was read, while nothing is raised.
_SAY_EVERY_S = 1.0
_REMEMBERED = 20_000


def filter_of(record: StandingRecord) -> SearchFilter:
    """What a standing query looks at; a sighting that it was made of is left out."""
    return SearchFilter(
        camera_ids=frozenset(record.camera_ids),
        classes=frozenset(VehicleClass[name.upper()] for name in record.classes),
        colours=frozenset(record.colours),
        exclude_sighting_ids=frozenset(p.value for p in record.probes if p.kind == "sighting"),
    )


def vector_probe(vector: Vectors, model_id: str) -> StandingProbe:
    """A picture's vector, float32 (dim,), as it is kept."""
    return StandingProbe("vector", base64.b64encode(vector.astype("<f4").tobytes()).decode(), model_id)


@dataclass(frozen=True, slots=True)
class Look:
    """What a standing query looks for at a moment.

    Attributes:
        record: The query.
        vectors: float32 (V, dim); V may be 0.
        identity_ids: Identities meant, merges followed.
        model_id: Of the vectors.
    """

    record: StandingRecord
    vectors: Vectors
    identity_ids: frozenset[str]
    model_id: str


def look_of(record: StandingRecord, gallery: Gallery) -> Look:
    """What a standing query looks for now; what cannot be looked for is left out.

    Raises:
        Unavailable: The gallery changed its model meanwhile; ask again.
    """
    model_id = gallery.model_id
    vectors, identities = [np.zeros((0, gallery.dim), np.float32)], set[str]()
    for probe in record.probes:
        try:
            if probe.kind == "vector":
                vectors.append(_vector(probe, gallery))
            elif probe.kind == "sighting":
                vectors.append(gallery.vector_of_sighting(probe.value))
            else:
                identities.add(gallery.identity(probe.value).record.identity_id)
                vectors.append(gallery.vectors_of_identity(probe.value))
        except (NotFound, ModelMismatch) as exc:
            log.debug("standing query %s: %s", record.standing_id, exc)
    if gallery.model_id != model_id:
        raise model_changed()
    return Look(record, np.concatenate(vectors), frozenset(identities), model_id)


def fault_of(record: StandingRecord, gallery: Gallery) -> str:
    """Why a part of a standing query cannot be looked for now; empty when all can. Reads no vector."""
    fault = ""
    for probe in record.probes:
        try:
            if probe.kind == "vector":
                _vector(probe, gallery)
            elif probe.kind == "sighting":
                gallery.require_sighting(probe.value)
            else:
                gallery.require_identity(probe.value)
        except (NotFound, ModelMismatch) as exc:
            fault = " ".join(str(exc).split())
    return fault


def _vector(probe: StandingProbe, gallery: Gallery) -> Vectors:
    vector = np.frombuffer(base64.b64decode(probe.value), "<f4").astype(np.float32)
    if probe.model_id != gallery.model_id or len(vector) != gallery.dim:
        raise ModelMismatch("its picture was read by another model than the gallery's; make it anew")
    return vector[None]


class StandingLoop:
    """Raises alerts until told to stop. One thread; ``wake`` from any."""

    def __init__(self, store: IdentityStore, gallery: Gallery) -> None:
        """Follows nothing yet.

        Args:
            store: Keeps queries and alerts, and its log is followed.
            gallery: Says what a sighting looks like.
        """
        self._store = store
        self._gallery = gallery
        self._position = ""
        self._looks: list[Look] = []
        self._read_s = self._said_s = -1e9
        self._changed = threading.Event()
        self._raised: OrderedDict[str, None] = OrderedDict()

    def wake(self) -> None:
        """Says that a query was made, paused or removed."""
        self._changed.set()

    def run(self, stop: threading.Event) -> None:
        """Follows the log until told to stop; while the store or the gallery is away, waits for it.

        Args:
            stop: Ends the loop within about a second.
        """
        away = False
        while not stop.is_set():
            try:
                self._round()
                away = False
            except Unavailable as exc:
                if not away:
                    log.warning("standing queries wait: %s", exc)
                away = True
                stop.wait(_RETRY_S)

    def _round(self) -> None:
        if not self._position:
            self._position = self._store.standing_position() or self._store.last_event_id()
        events = self._store.read_events(self._position, _BATCH, _BLOCK_MS)
        if not events:
            return
        self._gallery.wait_for(events[-1].event_id, _WAIT_S)
        self._read_queries()
        alerts = self._judged(events) if self._looks else []
        now_s = time.monotonic()
        position = events[-1].event_id
        if alerts or now_s - self._said_s > _SAY_EVERY_S:
            self._store.add_alerts(alerts, position)
            self._said_s = now_s
        self._position = position
        for alert in alerts:
            self._raised[alert.alert_id] = None
        while len(self._raised) > _REMEMBERED:
            self._raised.popitem(last=False)

    def _read_queries(self) -> None:
        now_s = time.monotonic()
        rolled = any(look.model_id != self._gallery.model_id for look in self._looks)
        if rolled or self._changed.is_set() or now_s - self._read_s > _READ_EVERY_S:
            self._changed.clear()
            self._looks = [look_of(record, self._gallery) for record in self._store.standing() if record.active]
            self._read_s = now_s

    def _judged(self, events: Sequence[Event]) -> list[AlertRecord]:
        """What these events raise; each query and sighting once."""
        found: dict[str, AlertRecord] = {}
        for event in events:
            if event.kind not in {"sighting.put", "sighting.decided"}:
                continue
            sighting_id = str(event.payload["sighting_id"])
            for look in self._looks:
                name = alert_id(look.record.standing_id, sighting_id)
                if name in self._raised or name in found or event.at_ns < look.record.since_ns:
                    continue
                alert = self._judge(look, sighting_id, event.at_ns)
                if alert is not None:
                    found[name] = alert
        return list(found.values())

    def _judge(self, look: Look, sighting_id: str, at_ns: int) -> AlertRecord | None:
        if not len(look.vectors):
            return None
        match = self._gallery.match_of_sighting(sighting_id, look.vectors, filter_of(look.record), look.model_id)
        if match is None or not (
            match.probability >= look.record.min_probability or match.identity_id in look.identity_ids
        ):
            return None
        return AlertRecord(
            look.record.standing_id,
            sighting_id,
            match.camera_id,
            match.first_seen_ns,
            at_ns,
            match.similarity,
            match.probability,
        )
