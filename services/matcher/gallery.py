"""The gallery: every sighting's vector and whose it is, a view of the store that searches. Decides nothing.

One thread feeds it (services.matcher.follower), any number read; a lock keeps them apart. It may be thrown away at any
time, because the store can fill it again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TypeVar

from reid.types import Calibration, EmbedderSpec
from services.errors import InputError, NotFound, Unavailable
from services.identity.records import is_event_id
from services.identity.store import Event, IdentityRecord
from services.matcher.index.contract import Ids, VectorIndex, Vectors
from services.matcher.search import BatchSearch, Found
from services.matcher.state import GalleryState
from services.matcher.types import (
    GalleryEntry,
    GalleryStats,
    Grouping,
    IdentityDetail,
    IdentityFilter,
    Question,
    SearchAnswer,
    SearchFilter,
    SightingSummary,
)
from services.types import ENROLLED_CAMERA, Match, Sighting

#: A probe that is an identity is asked by at most this many of its vectors, best quality first.
MAX_PROBE_VECTORS = 32
_BATCH = 1024
#: Changes made while searches wait.
_AT_ONCE = 64
#: So many of the likeliest vehicles are weighed against each other, however few are asked for.
_WEIGHED = 10

Captured = TypeVar("Captured")


def parse_position(position: str, name: str = "log_position") -> tuple[int, int]:
    """A log position as numbers that compare.

    Raises:
        InputError: It is not `<ms>-<n>`, of at most 16 digits each.

    >>> parse_position("12-3") < parse_position("100-0")
    True
    """
    if not is_event_id(position):
        raise InputError(f"{name}: expected <milliseconds>-<number>, got {position[:40]!r}")
    head, _, tail = position.partition("-")
    return int(head), int(tail)


class Gallery:
    """Searchable sightings. Safe for threads."""

    def __init__(self, spec: EmbedderSpec, new_index: Callable[[int], VectorIndex]) -> None:
        """Starts empty and not ready.

        Args:
            spec: The only model whose vectors are held, until it is filled with another's.
            new_index: Makes an empty index for vectors of a length.
        """
        self._new_index = new_index
        self._moved = threading.Condition(threading.RLock())
        #: Held over every change, before ``_moved``; who looks at much holds it alone, and searches go on meanwhile.
        self._feeding = threading.Lock()
        self._state = GalleryState(spec, new_index(spec.dim))
        self._position = "0-0"
        self._ready = False

    @property
    def spec(self) -> EmbedderSpec:
        """The model whose vectors are held."""
        return self._state.spec

    @property
    def model_id(self) -> str:
        """Id of that model."""
        return self._state.spec.model_id

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._state.index.dim

    @property
    def ready(self) -> bool:
        """Whether it has caught up once since it was filled."""
        return self._ready

    @property
    def log_position(self) -> str:
        """The newest event applied."""
        return self._position

    # Feeding: one thread.

    def rebuild(
        self,
        sightings: Iterable[tuple[Sighting, str | None]],
        identities: Iterable[IdentityRecord],
        position: str,
        spec: EmbedderSpec | None = None,
    ) -> None:
        """Replaces everything. Readers see the old until the new is complete.

        Args:
            sightings: Every sighting with its identity, aliases resolved.
            identities: Every identity, for its status, aliases and whether it is enrolled.
            position: A log position read before the others were; events after it may be applied again.
            spec: The model whose vectors are held from now on; None for the same.
        """
        spec = spec or self.spec
        state = GalleryState(spec, self._new_index(spec.dim))
        for record in identities:
            state.add_identity(record)
        remaining = iter(sightings)
        while batch := list(islice(remaining, _BATCH)):
            state.put([sighting for sighting, _ in batch])
            for sighting, identity_id in batch:
                if identity_id is not None:
                    state.assign(sighting.sighting_id, identity_id)
        self._adopt(state, position)

    def adopt(self, make: Callable[[VectorIndex], GalleryState], position: str) -> None:
        """Replaces everything by what ``make`` builds around an empty index, as of a log position."""
        self._adopt(make(self._new_index(self.dim)), position)

    def _adopt(self, state: GalleryState, position: str) -> None:
        with self._feeding, self._moved:
            old, self._state = self._state, state
            self._position = position
            self._moved.notify_all()
        old.index.close()

    def expire(self, before_ns: int) -> int:
        """Forgets sightings that ended before a moment, enrolled ones apart; returns how many. Feeding thread only."""
        # Nobody else changes the columns, so looking through them needs no lock; searches wait for one piece at most.
        rows = self._state.expired(before_ns, ENROLLED_CAMERA)
        for start in range(0, len(rows), _AT_ONCE):
            with self._feeding, self._moved:
                self._state.forget(rows[start : start + _AT_ONCE])
            time.sleep(0)  # whoever waits for the lock gets it
        return len(rows)

    def maintain(self) -> bool:
        """One bounded piece of housekeeping in the index; True when more may be due. Searches go on meanwhile."""
        return self._state.index.maintain()

    def compact(self) -> None:
        """All housekeeping at once, and every byte of removed vectors given back. Feeding thread only."""
        while self.maintain():
            pass
        self._state.index.purge()

    def captured(self, take: Callable[[GalleryState, str], Captured]) -> Captured:
        """What ``take`` copies out of the state and its position, at one moment; only feeding waits meanwhile."""
        with self._feeding:
            return take(self._state, self._position)

    def apply(self, events: Sequence[Event], sightings: Mapping[str, Sighting | None]) -> None:
        """Applies events in order; applying one again changes nothing in the end.

        Args:
            events: Ascending.
            sightings: The newest revision of every sighting that a ``sighting.put`` or ``sighting.embedded`` among them
                names, None if gone.
        """
        for start in range(0, len(events), _AT_ONCE):
            some = events[start : start + _AT_ONCE]
            with self._feeding, self._moved:
                self._state.apply(some, sightings)
                self._position = some[-1].event_id
                self._moved.notify_all()
            time.sleep(0)  # as above

    def close(self) -> None:
        """Ends what works for it in the background; to be fed and searched no more."""
        with self._feeding:
            self._state.index.close()

    def set_ready(self) -> None:
        """Says that it has caught up."""
        self._ready = True

    # Reading: any thread.

    def wait_for(self, position: str, timeout_s: float) -> None:
        """Returns once the gallery has caught up and seen a position.

        Args:
            position: From a write; empty for any.
            timeout_s: Longest wait.

        Raises:
            InputError: ``position`` is no position.
            Unavailable: It was not seen in time, or the gallery is still being filled.
        """
        if not self._ready:
            raise Unavailable("the gallery is catching up with the store; try again")
        if not position:
            return
        wanted = parse_position(position, "min_log_position")
        deadline = time.monotonic() + timeout_s
        with self._moved:
            while parse_position(self._position) < wanted:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Unavailable(f"min_log_position: the gallery is at {self._position}, not yet at {position}")
                self._moved.wait(left)

    def search(
        self,
        queries: Vectors,
        k: int,
        wanted: SearchFilter | None = None,
        grouping: Grouping = Grouping.SIGHTING,
    ) -> SearchAnswer:
        """The sightings, or identities, most like any of the queries; see search_many."""
        answer = self.search_many([Question(queries, k, wanted or SearchFilter(), grouping)])[0]
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    def search_many(self, questions: Sequence[Question]) -> list[SearchAnswer | Unavailable]:
        """Answers questions together: those with the same filter and grouping become one search of the index.

        Nobody waits for the search: what is held is looked at for a moment before and after it.

        Returns:
            Per question at most k matches, as many as exist, most similar first and then by sighting id; or what to
            raise, where the question's vectors are of a model that the gallery had until a moment ago.
        """
        with self._moved:
            state, position = self._state, self._position
            model_id = state.spec.model_id
            fit = [n for n, q in enumerate(questions) if q.model_id in ("", model_id)]
            asked = [self._deep_enough(questions[n]) for n in fit]
            search = BatchSearch(state, self._moved)
            groups = search.groups(asked)
        found = search.answers(groups)
        rivals = self._rivals(state, asked, found)
        answers: list[SearchAnswer | Unavailable] = [model_changed() for _ in questions]
        for number, place in enumerate(fit):
            mine = found.get(number, [])
            matches = _matches(state.spec.calibration, mine, rivals.get(number, []))[: questions[place].k]
            answers[place] = SearchAnswer(tuple(matches), log_position=position)
        return answers

    def _rivals(self, state: GalleryState, asked: Sequence[Question], found: Mapping[int, Found]) -> dict[int, Found]:
        """The likeliest vehicles, where all sightings that were found are of fewer and others may be as likely."""
        few = [
            number
            for number, sightings in found.items()
            if asked[number].grouping is Grouping.SIGHTING
            and len(sightings) >= asked[number].k
            and len({_vehicle(summary) for summary, _ in sightings}) < _WEIGHED
        ]
        if not few:
            return {}
        with self._moved:
            search = BatchSearch(state, self._moved)
            groups = search.groups([replace(asked[n], grouping=Grouping.IDENTITY, k=_WEIGHED) for n in few])
        return {few[place]: vehicles for place, vehicles in search.answers(groups).items()}

    def _deep_enough(self, question: Question) -> Question:
        """The question as it is searched for: living identities left out, enough found to be weighed."""
        wanted = self._resolved(question.wanted)
        if wanted is question.wanted and question.k >= _WEIGHED:
            return question
        return replace(question, wanted=wanted, k=max(question.k, _WEIGHED))

    def _resolved(self, wanted: SearchFilter) -> SearchFilter:
        if not wanted.exclude_identity_ids:
            return wanted
        living = frozenset(self._state.resolve(i) for i in wanted.exclude_identity_ids)
        return replace(wanted, exclude_identity_ids=living)

    def match_of_sighting(
        self, sighting_id: str, queries: Vectors | None, wanted: SearchFilter, model_id: str = ""
    ) -> Match | None:
        """One sighting as a search for these queries would report it.

        Args:
            sighting_id: Which.
            queries: float32 (Q, dim); None reports it with similarity and probability 0.
            wanted: What it must pass.
            model_id: Of the queries; empty for the gallery's.

        Returns:
            None where it is not held, does not pass, or was seen by another model.

        Raises:
            Unavailable: The gallery holds vectors of another model than ``model_id`` by now.
        """
        with self._moved:
            if queries is not None and model_id not in ("", self.model_id):
                raise model_changed()
            table = self._state.table
            row = table.row(sighting_id)
            if row is None or not table.takes(row, self._resolved(wanted)):
                return None
            summary = table.summary(row)
            calibration = self.spec.calibration
            if queries is None:
                return replace(_match(calibration, summary, 0.0), probability=0.0, evidence={})
            if not table.described([row]).any():
                return None
            vector = self._state.index.get(self._state.vector_ids([row], sighting_id))
            alike = float((vector @ queries.T).max())
            return _match(calibration, summary, alike)

    def vector_of_sighting(self, sighting_id: str) -> Vectors:
        """The vector of one sighting, float32 (1, dim).

        Raises:
            NotFound: There is no such sighting.
            ModelMismatch: Another model made it.
        """
        with self._moved:
            return self._state.index.get(self._ids_of_sighting(sighting_id))

    def vectors_of_identity(self, identity_id: str) -> Vectors:
        """The vectors of an identity's best sightings, float32 (V, dim), 1 <= V <= MAX_PROBE_VECTORS.

        Raises:
            NotFound: There is no such identity.
            ModelMismatch: Another model made its vectors.
        """
        with self._moved:
            return self._state.index.get(self._ids_of_identity(identity_id))

    def require_sighting(self, sighting_id: str) -> None:
        """Raises what ``vector_of_sighting`` would; reads no vector."""
        with self._moved:
            self._ids_of_sighting(sighting_id)

    def require_identity(self, identity_id: str) -> None:
        """Raises what ``vectors_of_identity`` would; reads no vector."""
        with self._moved:
            self._ids_of_identity(identity_id)

    def _ids_of_sighting(self, sighting_id: str) -> Ids:
        row = self._state.table.row(sighting_id)
        if row is None:
            raise NotFound(f"sighting_id: no sighting {sighting_id}")
        return self._state.vector_ids([row], f"sighting_id: {sighting_id}")

    def _ids_of_identity(self, identity_id: str) -> Ids:
        rows = self._state.table.by_quality(self._state.rows(identity_id))
        return self._state.vector_ids(rows, f"identity_id: {identity_id}")[:MAX_PROBE_VECTORS]

    def identity(self, identity_id: str) -> IdentityDetail:
        """An identity with its sightings, by id or alias.

        Raises:
            NotFound: There is no such identity.
        """
        with self._moved:
            summaries = tuple(self._state.table.summary(row) for row in self._state.rows(identity_id))
        best = max(summaries, key=lambda summary: summary.quality)
        return IdentityDetail(
            self._record(summaries), len(summaries), summaries, best.sighting_id, best.vehicle_class, best.colour
        )

    def is_enrolled(self, identity_id: str) -> bool:
        """Whether an identity, by id or alias, is enrolled; not where it is unknown."""
        with self._moved:
            return self._state.resolve(identity_id) in self._state.enrolled

    def identities(
        self, limit: int, offset: int, wanted: IdentityFilter | None = None
    ) -> tuple[list[IdentityDetail], int]:
        """A page of identities without their sightings, most recently seen first, and how many pass in all.

        The active window of a filter is the caller's affair: it is a bound to ``from_ns``.
        """
        wanted = wanted or IdentityFilter()
        with self._moved:
            state = self._state
            codes: Sequence[int] = state.table.find_identities(wanted).tolist()
            if wanted.statuses or wanted.enrolled:
                codes = [code for code in codes if self._is_as_wanted(state.table.identity_name(code), wanted)]
            page = [self.identity(state.table.identity_name(code)) for code in codes[offset : offset + limit]]
        return [replace(detail, sightings=()) for detail in page], len(codes)

    def _is_as_wanted(self, identity_id: str, wanted: IdentityFilter) -> bool:
        """Whether an identity passes by what stands beside the columns."""
        status = self._state.status.get(identity_id, "new")
        return (not wanted.statuses or status in wanted.statuses) and (
            not wanted.enrolled or identity_id in self._state.enrolled
        )

    def entry(self, identity_id: str) -> GalleryEntry:
        """An identity as what is searched, by id or alias.

        Raises:
            NotFound: There is no such identity.
        """
        with self._moved:
            rows = self._state.rows(identity_id)
            record = self._record(tuple(self._state.table.summary(row) for row in rows))
            return GalleryEntry(
                identity_id=record.identity_id,
                status=record.status,
                cameras=record.cameras,
                first_seen_ns=record.first_seen_ns,
                last_seen_ns=record.last_seen_ns,
                sighting_count=len(rows),
                vector_count=int(self._state.table.described(rows).sum()),
            )

    def entries(self, limit: int, offset: int) -> tuple[list[GalleryEntry], int]:
        """A page of entries, most recently seen first, and how many there are."""
        with self._moved:
            page = [self.entry(i) for i in islice(self._by_last_seen(), offset, offset + limit)]
            return page, self._state.table.identity_count

    def stats(self) -> GalleryStats:
        """Counts and sizes."""
        with self._moved:
            state = self._state
            return GalleryStats(
                identities=state.table.identity_count,
                sightings=len(state.table),
                vectors=len(state.index),
                bytes=state.index.nbytes,
                segments=len([rows for rows in state.index.segments if rows]),
                tier=state.index.tier,
                backend=state.index.backend,
                model_id=self.model_id,
                log_position=self._position,
            )

    def _by_last_seen(self) -> Iterable[str]:
        return self._state.table.identities_by_last_seen()

    def _record(self, sightings: tuple[SightingSummary, ...]) -> IdentityRecord:
        identity_id = sightings[0].identity_id
        return IdentityRecord(
            identity_id=identity_id,
            sighting_ids=tuple(s.sighting_id for s in sightings),
            cameras=tuple(dict.fromkeys(s.camera_id for s in sightings)),
            first_seen_ns=min(s.start_ns for s in sightings),
            last_seen_ns=max(s.end_ns for s in sightings),
            status=self._state.status.get(identity_id, "new"),
            aliases=self._state.aliases(identity_id),
            enrolled=identity_id in self._state.enrolled,
        )


def model_changed() -> Unavailable:
    """What is raised to who asks with vectors of a model that the site had until a moment ago."""
    return Unavailable("the site has just changed its model; ask again")


def _vehicle(summary: SightingSummary) -> str:
    """Who a sighting is of; without a decision it stands for itself."""
    return summary.identity_id or summary.sighting_id


def _matches(calibration: Calibration, found: Found, rivals: Found) -> list[Match]:
    """Matches in the order found, each with the posterior of its vehicle among all of them and the rivals."""
    best: dict[str, float] = {}
    for summary, similarity in (*found, *rivals):  # each best first
        best.setdefault(_vehicle(summary), similarity)
    posterior = dict(zip(best, calibration.posterior(list(best.values())), strict=True))
    return [replace(_match(calibration, one, alike), posterior=posterior[_vehicle(one)]) for one, alike in found]


def _match(calibration: Calibration, summary: SightingSummary, similarity: float) -> Match:
    similarity = max(-1.0, min(1.0, similarity))
    return Match(
        identity_id=summary.identity_id,
        sighting_id=summary.sighting_id,
        camera_id=summary.camera_id,
        first_seen_ns=summary.start_ns,
        last_seen_ns=summary.end_ns,
        similarity=similarity,
        probability=calibration.probability(similarity),
        evidence={"appearance": calibration.log_likelihood_ratio(similarity)},
    )
