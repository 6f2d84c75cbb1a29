"""The client's calls about identities: read with all their pages, corrected, looked back at. Part of MatcherClient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from services.errors import VreidError
from services.matcher.types import (
    CorrectionAnswer,
    IdentityDetail,
    IdentityFilter,
    IdentityHistory,
    PastIdentity,
    SightingSummary,
)
from services.rpc import convert, convert_identity, vreid_pb2_grpc
from services.rpc import vreid_pb2 as pb


class IdentityCalls:
    """Calls of IdentityService; MatcherClient brings the stub and ``_call``."""

    _identity: vreid_pb2_grpc.IdentityServiceStub
    _call: Callable[..., Any]

    def identity_get(self, identity_id: str) -> IdentityDetail:
        """An identity with all its sightings, by id or alias."""
        pages = [self.identity_page(identity_id)]
        while more := left_of(pages):
            pages.append(self.identity_page(identity_id, offset=more))
        return whole_identity(pages)

    def identity_page(self, identity_id: str, limit: int = 0, offset: int = 0) -> IdentityDetail:
        """An identity with some of its sightings; ``sighting_count`` says how many there are.

        Args:
            identity_id: An id or alias.
            limit: How many sightings, 1 to 10000; 0 for as many as one message holds.
            offset: How many to pass over.
        """
        request = identity_request(identity_id, limit, offset)
        return convert_identity.identity_from_message(self._call(self._identity.Get, request))

    def identity_list(
        self, limit: int = 100, offset: int = 0, wanted: IdentityFilter | None = None
    ) -> tuple[list[IdentityDetail], int]:
        """A page of identities without their sightings, most recently seen first, and how many pass in all."""
        request = convert_identity.identity_filter_to_message(wanted or IdentityFilter(), limit, offset)
        answer = self._call(self._identity.List, request)
        return [convert_identity.identity_from_message(i) for i in answer.identities], answer.total

    def identity_merge(self, survivor_id: str, absorbed_id: str, reason: str = "") -> CorrectionAnswer:
        """Makes one identity an alias of another."""
        request = pb.MergeRequest(survivor_id=survivor_id, absorbed_id=absorbed_id, reason=reason)
        return convert_identity.correction_from_message(self._call(self._identity.Merge, request, repeat=False))

    def identity_split(self, identity_id: str, sighting_ids: Sequence[str], reason: str = "") -> CorrectionAnswer:
        """Moves sightings of an identity to a fresh one, which the answer names."""
        request = pb.SplitRequest(identity_id=identity_id, sighting_ids=sighting_ids, reason=reason)
        return convert_identity.correction_from_message(self._call(self._identity.Split, request, repeat=False))

    def identity_undo(self, event_id: str, reason: str = "") -> CorrectionAnswer:
        """Takes back a merge, a split or an undone merge."""
        request = pb.UndoRequest(event_id=event_id, reason=reason)
        return convert_identity.correction_from_message(self._call(self._identity.Undo, request, repeat=False))

    def identity_undo_last(self, identity_id: str, reason: str = "") -> CorrectionAnswer:
        """Takes back the latest merge or split of an identity that was not taken back."""
        request = pb.UndoRequest(identity_id=identity_id, reason=reason)
        return convert_identity.correction_from_message(self._call(self._identity.Undo, request, repeat=False))

    def identity_set_enrolled(self, identity_id: str, *, enrolled: bool) -> str:
        """Keeps an identity as enrolled ones are kept, or no longer; returns the log position."""
        request = pb.SetEnrolledRequest(identity_id=identity_id, enrolled=enrolled)
        position: str = self._call(self._identity.SetEnrolled, request, repeat=False).log_position
        return position

    def identity_history(self, identity_id: str, at_ns: int | None = None) -> IdentityHistory:
        """All that happened to an identity, and with ``at_ns`` (UTC nanoseconds) what was believed of it then."""
        pages = [self.identity_history_page(identity_id, at_ns)]
        while after := pages[-1].next_event_id:
            pages.append(self.identity_history_page(identity_id, at_ns, after_event_id=after))
        found = whole_history(pages)
        return replace(found, believed=self._whole_past(identity_id, found.believed))

    def identity_at(self, identity_id: str, at_ns: int) -> PastIdentity:
        """What was believed of an identity at a moment, UTC nanoseconds."""
        past = self._whole_past(identity_id, self._past_page(identity_id, at_ns, 0))
        if past is None:
            raise VreidError("the matcher did not say what was believed then")
        return past

    def _whole_past(self, identity_id: str, past: PastIdentity | None) -> PastIdentity | None:
        while past is not None and (offset := unread_of(past)):
            past = with_more(past, self._past_page(identity_id, past.at_ns, offset))
        return past

    def _past_page(self, identity_id: str, at_ns: int, offset: int) -> PastIdentity | None:
        request = history_request(identity_id, at_ns, limit=1, sighting_offset=offset)
        return convert_identity.history_from_message(self._call(self._identity.History, request), at_ns).believed

    def identity_history_page(
        self, identity_id: str, at_ns: int | None = None, *, after_event_id: str = "", limit: int = 0
    ) -> IdentityHistory:
        """Some of what happened to an identity, and in ``next_event_id`` where to go on; empty at the end.

        Args:
            identity_id: Living or not.
            at_ns: Only until then, UTC nanoseconds; the first page tells what was believed, too.
            after_event_id: Only what happened after this event; empty for all.
            limit: How many events, 1 to 1000; 0 for as many as one message holds.
        """
        request = history_request(identity_id, at_ns, after_event_id=after_event_id, limit=limit)
        return convert_identity.history_from_message(self._call(self._identity.History, request), at_ns)


def identity_request(identity_id: str, limit: int, offset: int) -> pb.GetIdentityRequest:
    """A request for a page of an identity's sightings."""
    return pb.GetIdentityRequest(identity_id=identity_id, sighting_limit=limit, sighting_offset=offset)


def history_request(
    identity_id: str, at_ns: int | None, *, after_event_id: str = "", limit: int = 0, sighting_offset: int = 0
) -> pb.HistoryRequest:
    """A request for a page of history."""
    return pb.HistoryRequest(
        identity_id=identity_id,
        at=None if at_ns is None else convert.timestamp(at_ns),
        after_event_id=after_event_id,
        limit=limit,
        sighting_offset=sighting_offset,
    )


def left_of(pages: Sequence[IdentityDetail]) -> int:
    """How many sightings to pass over for the next page; 0 where these are all, or none came any more."""
    read = sum(len(page.sightings) for page in pages)
    return read if pages[-1].sightings and read < pages[-1].sighting_count else 0


def whole_identity(pages: Sequence[IdentityDetail]) -> IdentityDetail:
    """An identity put together from its pages; where it changed meanwhile, as the last of them says."""
    if len(pages) == 1:
        return pages[0]
    by_id: dict[str, SightingSummary] = {s.sighting_id: s for page in pages for s in page.sightings}
    sightings = tuple(sorted(by_id.values(), key=lambda s: (s.start_ns, s.sighting_id)))
    record = replace(pages[-1].record, sighting_ids=tuple(s.sighting_id for s in sightings))
    return replace(pages[-1], record=record, sightings=sightings, sighting_count=len(sightings))


def whole_history(pages: Iterable[IdentityHistory]) -> IdentityHistory:
    """A history put together from its pages."""
    first, *others = pages
    return IdentityHistory(first.events + tuple(e for page in others for e in page.events), first.believed)


def unread_of(past: PastIdentity) -> int:
    """How many sightings to pass over for the next ones of what was believed; 0 where these are all."""
    return len(past.sightings) if len(past.sightings) < past.sighting_count else 0


def with_more(past: PastIdentity, more: PastIdentity | None) -> PastIdentity:
    """What was believed with further sightings of it; none came where that is all there is."""
    sightings = past.sightings + (more.sightings if more is not None else ())
    count = past.sighting_count if more is not None and more.sightings else len(sightings)
    return replace(past, sightings=sightings, sighting_count=count)
