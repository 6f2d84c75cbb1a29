"""Writes to the audit who asked for what: searches and the like, which change nothing that the store would note itself.

Holds ids and counts only, never a picture or a vector. Callers do not wait for it.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from services.errors import Unavailable
from services.identity.store import IdentityStore
from services.rpc import vreid_pb2 as pb

log = logging.getLogger(__name__)

_MOST_WAITING = 20_000
_LOOK_S = 0.25
_RETRY_S = 0.5
_MOST_DETAIL = 200
#: What each call is called in the audit; the store itself notes deletions, corrections and enrolments.
ACTIONS = {
    "/vreid.v1.MatcherService/Search": "search",
    "/vreid.v1.MatcherService/SearchStream": "search",
    "/vreid.v1.MatcherService/Verify": "verify",
    "/vreid.v1.MatcherService/Embed": "embed",
    "/vreid.v1.MatcherService/Watch": "watch",
    "/vreid.v1.GalleryService/Update": "update",
    "/vreid.v1.GalleryService/Export": "export",
    "/vreid.v1.GalleryService/Import": "import",
    "/vreid.v1.GalleryService/Restore": "restore",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """An entry to be written.

    Attributes:
        actor: Who asked.
        action: What, as in ACTIONS.
        subject: The first identity or sighting named; empty for none.
        sightings: How many were found or taken.
        detail: How it was asked.
    """

    actor: str
    action: str
    subject: str
    sightings: int
    detail: str


class Ledger:
    """A bounded queue of entries and the thread that writes them in order. Safe for threads."""

    def __init__(self, store: IdentityStore, most_waiting: int = _MOST_WAITING) -> None:
        """Writes nothing until run.

        Args:
            store: Whose audit is written.
            most_waiting: Entries that wait while the store is away; what comes beyond goes to the log instead.
        """
        self._store = store
        self._waiting: queue.Queue[Asked] = queue.Queue(most_waiting)

    def note(self, method: str, actor: str, request: Any, answer: Any = None) -> None:
        """Takes an answered call down, where it is one of ACTIONS.

        Args:
            method: Its full name.
            actor: Who asked.
            request: What was asked; None where that came as a stream.
            answer: What was answered; None where that goes out as a stream.
        """
        action = ACTIONS.get(method)
        if action is None:
            return
        subject, detail = described(request)
        entry = Asked(actor, action, subject[:64], found(answer), detail)
        try:
            self._waiting.put_nowait(entry)
        except queue.Full:
            log.warning("the audit does not keep up: %s", entry)

    def run(self, stop: threading.Event) -> None:
        """Writes until told to stop, and then what is left; what the store does not take by then goes to the log."""
        while not stop.is_set():
            try:
                entry = self._waiting.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
            while not self._written(entry):
                if stop.wait(_RETRY_S):
                    log.warning("not in the audit, the store is away: %s", entry)
                    break
        there = True
        while not self._waiting.empty():
            entry = self._waiting.get_nowait()
            there = there and self._written(entry)
            if not there:
                log.warning("not in the audit, the store is away: %s", entry)

    def _written(self, entry: Asked) -> bool:
        try:
            self._store.note(entry.actor, entry.action, entry.subject, entry.sightings, entry.detail)
        except Unavailable:
            return False
        return True


def described(request: Any) -> tuple[str, str]:
    """The first id that a request names, and how it asks; empty for what names nothing."""
    if isinstance(request, pb.SearchStreamRequest):
        request = request.search
    describe = _DESCRIBE.get(type(request))
    return describe(request) if describe is not None else ("", "")


def found(answer: Any) -> int:
    """How many sightings an answer holds, or took."""
    if isinstance(answer, pb.SearchResponse):
        return len(answer.matches)
    if isinstance(answer, pb.ImportResponse):
        return int(answer.imported)
    return int(isinstance(answer, pb.UpdateResponse))


def _search(request: pb.SearchRequest) -> tuple[str, str]:
    parts = [_kinds(request.probes)]
    if request.negatives:
        parts.append(f"not {_kinds(request.negatives)}")
    if request.filter.camera_ids:
        parts.append(f"cameras {', '.join(request.filter.camera_ids)}")
    return _first_id(request.probes), "; ".join(parts)[:_MOST_DETAIL]


def _verify(request: pb.VerifyRequest) -> tuple[str, str]:
    probes = [*request.left, *request.right]
    return _first_id(probes), _kinds(probes)


def _export(request: pb.ExportRequest) -> tuple[str, str]:
    ids = list(request.identity_ids)
    return (ids[0], f"{len(ids)} identities") if ids else ("", "everything")


def _first_id(probes: Sequence[pb.Probe]) -> str:
    ids = (probe.identity_id or probe.sighting_id for probe in probes)
    return next((name for name in ids if name), "")


def _kinds(probes: Sequence[pb.Probe]) -> str:
    """How many probes of which kind: "2 image, 1 identity_id"."""
    kinds = [probe.WhichOneof("source") or "nothing" for probe in probes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)) or "everything"


_DESCRIBE: dict[type, Callable[[Any], tuple[str, str]]] = {
    pb.SearchRequest: _search,
    pb.WatchRequest: lambda request: (_first_id(request.probes), _kinds(request.probes)),
    pb.VerifyRequest: _verify,
    pb.EmbedRequest: lambda request: ("", f"{len(request.images)} image"),
    pb.UpdateRequest: lambda request: (request.sighting_id, ""),
    pb.ExportRequest: _export,
}
