"""What the gallery holds, and how each event of the log changes it. No locks, no threads, no search.

Applying an event twice, or events that a scan has already seen, ends in the same state once the log is caught up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from reid.types import EmbedderSpec
from services.errors import ModelMismatch, NotFound
from services.identity.store import Event, IdentityRecord
from services.matcher.columns import SightingTable
from services.matcher.index.contract import Ids, VectorIndex, Vectors
from services.types import Sighting

#: Events that may be taken together with their like, which is far cheaper. Among those that add, nothing is taken away:
#: putting first what is put ends the same.
_RUNS = {
    "sighting.put": "added",
    "sighting.embedded": "added",
    "sighting.decided": "added",
    "identity.created": "added",
    "sighting.deleted": "gone",
}
_OF_SIGHTINGS = ("sighting.put", "sighting.embedded", "sighting.deleted")


class GalleryState:
    """Sightings in columns, their vectors in an index, aliases and states of identities. Not thread-safe.

    Attributes:
        spec: The only model whose vectors are held.
        index: Raw vectors.
        table: Everything else about sightings.
        status: How the latest decision on each identity went.
        enrolled: Identities that are kept as enrolled ones are.
    """

    def __init__(self, spec: EmbedderSpec, index: VectorIndex) -> None:
        self.spec = spec
        self.index = index
        self.table = SightingTable()
        self.status: dict[str, str] = {}
        self.enrolled: set[str] = set()
        #: Counts drops, one or several rows each, for ``stands_since``.
        self.drops = 0
        self._dropped_at = np.zeros(0, np.int64)
        self._alias: dict[str, str] = {}
        self._aliases: dict[str, set[str]] = {}

    def resolve(self, identity_id: str) -> str:
        """The identity behind an alias, or the id itself."""
        return self._alias.get(identity_id, identity_id)

    def aliases(self, identity_id: str) -> tuple[str, ...]:
        """Identities merged into this one, by id."""
        return tuple(sorted(self._aliases.get(identity_id, ())))

    def rows(self, identity_id: str) -> list[int]:
        """Rows of an identity, by id or alias, in order of start.

        Raises:
            NotFound: There is no such identity.
        """
        rows = self.table.rows_of(self.resolve(identity_id))
        if not rows:
            raise NotFound(f"identity_id: no identity {identity_id}")
        return rows

    def vector_ids(self, rows: Sequence[int], name: str) -> Ids:
        """Ids of the vectors of these rows, which are the rows that have one, in order: int64 (V,), V >= 1.

        Raises:
            ModelMismatch: There is none, because another model made them.
        """
        ids = np.asarray(rows, np.int64)[self.table.described(rows)]
        if not len(ids):
            raise ModelMismatch(f"{name} was seen by another model than the gallery's")
        return ids

    def expired(self, before_ns: int, keep_camera: str) -> list[int]:
        """Rows of sightings that ended before a moment, but for those of one camera."""
        return self.table.ended_before(before_ns, keep_camera)

    def forget(self, rows: Sequence[int]) -> None:
        """Forgets sightings with their vectors."""
        if rows:
            self.index.remove(np.asarray(rows, np.int64))
        for row in rows:
            self.table.drop(row)
        if rows:
            self.drops += 1
            more = len(self.table.identity_codes()) - len(self._dropped_at)
            if more:
                self._dropped_at = np.pad(self._dropped_at, (0, more))
            self._dropped_at[np.asarray(rows)] = self.drops

    def stands_since(self, row: int, drops: int) -> bool:
        """Whether a row that was held when there had been so many drops holds the same sighting still."""
        return self.drops == drops or row >= len(self._dropped_at) or int(self._dropped_at[row]) <= drops

    def export_identities(self) -> Mapping[str, Mapping[str, str]]:
        """Statuses, aliases and who is enrolled: what is held itself, to be read before anything changes."""
        return {"status": self.status, "alias": self._alias, "enrolled": dict.fromkeys(sorted(self.enrolled), "1")}

    def load_identities(self, exported: Mapping[str, Mapping[str, str]]) -> None:
        """Takes what was exported."""
        self.status = dict(exported["status"])
        self.enrolled = set(exported["enrolled"])
        for absorbed, survivor in exported["alias"].items():
            self._alias[absorbed] = survivor
            self._aliases.setdefault(survivor, set()).add(absorbed)

    def add_identity(self, record: IdentityRecord) -> None:
        """Takes an identity's status, aliases and whether it is enrolled from the store."""
        self.status[record.identity_id] = record.status
        self._set_enrolled(record.identity_id, yes=record.enrolled)
        for alias in record.aliases:
            self._add_alias(record.identity_id, alias)

    def put(self, sightings: Sequence[Sighting]) -> None:
        """Inserts sightings, or replaces all that is held of them but their identity."""
        newest = {sighting.sighting_id: sighting for sighting in sightings}
        ids: list[int] = []
        vectors: list[Vectors] = []
        held = [row for name in newest if (row := self.table.row(name)) is not None]
        if held:
            self.index.remove(np.asarray(held, np.int64))
        for sighting in newest.values():
            vector = self._vector(sighting)
            row = self.table.put(sighting, described=vector is not None)
            if vector is not None:
                ids.append(row)
                vectors.append(vector)
        self.index.add(np.array(ids, np.int64), np.reshape(vectors, (len(ids), self.index.dim)).astype(np.float32))

    def assign(self, sighting_id: str, identity_id: str) -> None:
        """Says whose sighting it is; a sighting that is not held is passed over."""
        row = self.table.row(sighting_id)
        if row is not None:
            self.table.assign(row, self.resolve(identity_id))

    def apply(self, events: Sequence[Event], sightings: Mapping[str, Sighting | None]) -> None:
        """Applies events in order.

        Args:
            events: What happened.
            sightings: Holds the newest revision of the sightings that are put or embedded anew, None for those gone.
        """
        for kind, run in groupby(events, key=lambda event: _RUNS.get(event.kind)):
            some = list(run)
            names = [str(event.payload["sighting_id"]) for event in some if event.kind in _OF_SIGHTINGS]
            if kind == "gone":
                self.forget([row for name in dict.fromkeys(names) if (row := self.table.row(name)) is not None])
                continue
            if kind == "added":
                self.put([sighting for name in names if (sighting := sightings.get(name)) is not None])
            for event in some:
                self._apply(event)

    def _apply(self, event: Event) -> None:
        """Applies one event; what is put has been."""
        payload = event.payload
        match event.kind:
            case "sighting.decided":
                identity_id = self.resolve(str(payload["identity_id"]))
                self.assign(str(payload["sighting_id"]), identity_id)
                self.status[identity_id] = str(payload["status"])
            case "identity.created":
                self.status.setdefault(self.resolve(str(payload["identity_id"])), "new")
            case "identity.merged":
                self._merge(payload)
            case "identity.split":
                self._split(payload)
            case "identity.unmerged":
                self._unmerge(payload)
            case "identity.enrolled":
                self._set_enrolled(self.resolve(str(payload["identity_id"])), yes=bool(payload["enrolled"]))
            case "identity.deleted":
                self._retire(str(payload["identity_id"]))

    def _vector(self, sighting: Sighting) -> Vectors | None:
        """What it is found by, the mean of its pictures, (dim,); None when another model made it."""
        sighting = sighting.seen_by(self.spec.model_id)
        if sighting.model_id != self.spec.model_id or len(sighting.embedding) != self.index.dim:
            return None
        return sighting.embedding

    def _add_alias(self, survivor: str, *absorbed: str) -> None:
        for name in absorbed:
            for old in (name, *self._aliases.pop(name, ())):
                self._alias[old] = survivor
                self._aliases.setdefault(survivor, set()).add(old)
            self.status.pop(name, None)
            self.enrolled.discard(name)

    def _set_enrolled(self, identity_id: str, *, yes: bool) -> None:
        if yes:
            self.enrolled.add(identity_id)
        else:
            self.enrolled.discard(identity_id)

    def _merge(self, payload: Mapping[str, object]) -> None:
        survivor, absorbed = self.resolve(str(payload["survivor_id"])), self.resolve(str(payload["absorbed_id"]))
        if survivor == absorbed:
            return
        for row in self.table.rows_of(absorbed):
            self.table.assign(row, survivor)
        self._add_alias(survivor, absorbed)
        if payload.get("absorbed_enrolled"):
            self.enrolled.add(survivor)

    def _split(self, payload: Mapping[str, object]) -> None:
        new_id, sighting_ids = self.resolve(str(payload["new_identity_id"])), payload["sighting_ids"]
        self.status.setdefault(new_id, "new")
        if payload.get("enrolled"):
            self.enrolled.add(new_id)
        for sighting_id in sighting_ids if isinstance(sighting_ids, list | tuple) else ():
            self.assign(str(sighting_id), new_id)

    def _unmerge(self, payload: Mapping[str, object]) -> None:
        """An absorbed identity is one of its own again, with these sightings and aliases."""
        restored = str(payload["restored_id"])
        holder = self.resolve(restored)
        aliases, names = payload.get("aliases", ()), payload["sighting_ids"]
        own = [str(alias) for alias in aliases] if isinstance(aliases, list | tuple) else []
        self._aliases.get(holder, set()).difference_update((restored, *own))
        self._alias.pop(restored, None)
        self._add_alias(restored, *own)
        self.status[restored] = str(payload["status"])
        self._set_enrolled(restored, yes=bool(payload.get("enrolled")))
        if payload.get("survivor_enrolled") is False:
            # By the very id: who has absorbed that one since may be enrolled, as a scan has said.
            self.enrolled.discard(str(payload.get("identity_id")))
        for sighting_id in names if isinstance(names, list | tuple) else ():
            self.assign(str(sighting_id), restored)

    def _retire(self, identity_id: str) -> None:
        self.forget(self.table.rows_of(identity_id))
        self.status.pop(identity_id, None)
        self.enrolled.discard(identity_id)
        for alias in self._aliases.pop(identity_id, ()):
            self._alias.pop(alias, None)
