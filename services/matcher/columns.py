"""What the gallery knows of sightings besides their vectors, in columns, so that a filter is a few array operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from detector.types import VEHICLE_CLASSES, VehicleClass
from services.matcher.names import Names
from services.matcher.types import IdentityFilter, SearchFilter, SightingSummary
from services.types import Sighting

UNDECIDED = -1
_LATEST_NS = np.iinfo(np.int64).max

_COLUMNS: dict[str, type[np.generic]] = {
    "camera": np.int32,
    "identity": np.int32,
    "start_ns": np.int64,
    "end_ns": np.int64,
    "vehicle_class": np.int8,
    "colour": np.int16,
    "quality": np.float32,
    "revision": np.int32,
    "final": np.bool_,
    "described": np.bool_,
    "alive": np.bool_,
}

#: What summaries tell, in this order.
_SHOWN = (
    "identity", "camera", "start_ns", "end_ns", "vehicle_class", "quality", "revision", "final", "colour",
)  # fmt: skip
_CLASSES = {int(vehicle_class): vehicle_class for vehicle_class in VehicleClass}

#: Under which name the strings behind a column of codes are exported.
_STRINGS = {"camera": "cameras", "identity": "identities", "colour": "colours"}


class SightingTable:
    """One row per sighting. Rows are small integers, reused after a sighting is dropped. Not thread-safe."""

    def __init__(self) -> None:
        self._columns: dict[str, NDArray[np.generic]] = {name: np.zeros(0, kind) for name, kind in _COLUMNS.items()}
        self._sighting_ids: list[str] = []
        self._row: dict[str, int] = {}
        self._free: list[int] = []
        self._cameras = Names()
        self._identities = Names()
        self._colours = Names()
        self._rows_of: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._row)

    @property
    def identity_count(self) -> int:
        """Identities with at least one sighting."""
        return len(self._rows_of)

    def row(self, sighting_id: str) -> int | None:
        """The row of a sighting, None when it is not held."""
        return self._row.get(sighting_id)

    def sighting_id(self, row: int) -> str:
        """The sighting of a row."""
        return self._sighting_ids[row]

    def put(self, sighting: Sighting, *, described: bool) -> int:
        """Inserts a sighting without identity, or replaces what is held of it but its identity.

        Args:
            sighting: The newest revision.
            described: Whether its vector is in the index.

        Returns:
            Its row.
        """
        row = self._row.get(sighting.sighting_id)
        if row is None:
            row = self._claim(sighting.sighting_id)
            self._columns["identity"][row] = UNDECIDED
        values = {
            "camera": self._cameras.code(sighting.camera_id),
            "start_ns": sighting.start_ns,
            "end_ns": sighting.end_ns,
            "vehicle_class": int(VEHICLE_CLASSES[int(np.argmax(sighting.class_probs))]),
            "colour": self._colours.code(max(sighting.colour, key=lambda name: sighting.colour[name], default="")),
            "quality": sighting.quality,
            "revision": sighting.revision,
            "final": sighting.final,
            "described": described,
            "alive": True,
        }
        for name, value in values.items():
            self._columns[name][row] = value
        return row

    def drop(self, row: int) -> None:
        """Forgets a sighting."""
        self.assign(row, None)
        self._columns["alive"][row] = False
        del self._row[self._sighting_ids[row]]
        self._sighting_ids[row] = ""
        self._free.append(row)

    def assign(self, row: int, identity_id: str | None) -> None:
        """Says whose sighting a row is, None for nobody's yet."""
        old = int(self._columns["identity"][row])
        new = UNDECIDED if identity_id is None else self._identities.code(identity_id)
        if old == new:
            return
        if old != UNDECIDED:
            self._rows_of[old].discard(row)
            if not self._rows_of[old]:
                del self._rows_of[old]
                self._identities.free(old)
        if new != UNDECIDED:
            self._rows_of.setdefault(new, set()).add(row)
        self._columns["identity"][row] = new

    def identity(self, row: int) -> str | None:
        """Whose sighting a row is."""
        code = int(self._columns["identity"][row])
        return None if code == UNDECIDED else self._identities.name(code)

    def rows_of(self, identity_id: str) -> list[int]:
        """Rows of an identity by start, then sighting id; empty when it has none."""
        rows: set[int] = set()
        for code in self._identities.known([identity_id]):
            rows = self._rows_of.get(code, rows)
        start = self._columns["start_ns"]
        return sorted(rows, key=lambda row: (int(start[row]), self._sighting_ids[row]))

    def described(self, rows: Sequence[int]) -> NDArray[np.bool_]:
        """Whether each of these rows has its vector in the index: bool (R,)."""
        return self._columns["described"][np.asarray(rows, np.int64)].astype(np.bool_, copy=False)

    def by_quality(self, rows: Sequence[int]) -> list[int]:
        """These rows, best first, equal ones in order."""
        chosen = np.asarray(rows, np.int64)
        quality = self._columns["quality"][chosen].astype(np.float32, copy=False)
        ordered: list[int] = chosen[np.argsort(-quality, kind="stable")].tolist()
        return ordered

    def identity_codes(self) -> NDArray[np.int32]:
        """Per row a number that is equal for sightings of one identity, UNDECIDED without one: int32 (rows,)."""
        codes: NDArray[np.int32] = self._columns["identity"].astype(np.int32, copy=False)
        return codes

    def identities_by_last_seen(self, since_ns: int = 0) -> Iterator[str]:
        """Identities with a sighting that were seen since a moment, most recently seen first, then by id."""
        return (self.identity_name(code) for code in self.find_identities(IdentityFilter(from_ns=since_ns)).tolist())

    def identity_name(self, code: int) -> str:
        """The identity behind a code."""
        return self._identities.name(code)

    def find_identities(self, wanted: IdentityFilter) -> NDArray[np.intp]:
        """Codes of identities with a sighting that pass, in the order of ``identities_by_last_seen``: int (I,).

        Who has a sighting that is not final is in view now, whenever that was last told. Statuses, who is enrolled and
        the active window are not known here and do not restrict.
        """
        rows = np.flatnonzero(self._columns["alive"].astype(np.bool_) & (self._columns["identity"] != UNDECIDED))
        column = {name: values[rows] for name, values in self._columns.items()}
        code = column["identity"].astype(np.int64)
        first, last = (np.full(len(self._identities), end, np.int64) for end in (_LATEST_NS, -1))
        np.minimum.at(first, code, column["start_ns"].astype(np.int64))
        np.maximum.at(last, code, column["end_ns"].astype(np.int64))
        passes = last >= max(wanted.from_ns or 0, 0)
        passes[code[~column["final"].astype(np.bool_)]] = True
        if wanted.to_ns is not None:
            passes &= first <= wanted.to_ns
        for name, known in (
            ("camera", self._cameras.known(wanted.camera_ids) if wanted.camera_ids else None),
            ("vehicle_class", [int(kind) for kind in wanted.classes] or None),
            ("colour", self._colours.known(wanted.colours) if wanted.colours else None),
        ):
            if known is not None:
                has = np.zeros(len(passes), np.bool_)
                has[code[np.isin(column[name], known)]] = True
                passes &= has
        if wanted.min_cameras > 1:
            visits = np.unique(code * len(self._cameras) + column["camera"].astype(np.int64)) // len(self._cameras)
            passes &= np.bincount(visits, minlength=len(passes)) >= wanted.min_cameras
        return self._newest_first(np.flatnonzero(passes), last)

    def _newest_first(self, codes: NDArray[np.intp], last_ns: NDArray[np.int64]) -> NDArray[np.intp]:
        """Codes by time, newest first, then by name. Names are looked at only where times are equal, which is rare."""
        ordered = codes[np.argsort(-last_ns[codes], kind="stable")]
        times = last_ns[ordered]
        starts = np.flatnonzero(np.diff(times, prepend=-2) != 0)
        ends = np.append(starts[1:], len(ordered))
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True) if len(starts) < len(ordered) else ():
            if end - start > 1:
                ordered[start:end] = sorted(ordered[start:end].tolist(), key=self._identities.name)
        return ordered

    def summary(self, row: int) -> SightingSummary:
        """What is known of one sighting."""
        return self.summaries([row])[0]

    def summaries(self, rows: Sequence[int]) -> list[SightingSummary]:
        """What is known of sightings, in order."""
        chosen = np.asarray(rows, np.int64)
        shown = (self._columns[name][chosen].tolist() for name in _SHOWN)
        return [
            SightingSummary(
                sighting_id=self._sighting_ids[row],
                identity_id="" if identity == UNDECIDED else self._identities.name(identity),
                camera_id=self._cameras.name(camera),
                start_ns=start_ns,
                end_ns=end_ns,
                vehicle_class=_CLASSES[vehicle_class],
                quality=quality,
                revision=revision,
                final=final,
                colour=self._colours.name(colour),
            )
            for row, identity, camera, start_ns, end_ns, vehicle_class, quality, revision, final, colour in zip(
                rows, *shown, strict=True
            )
        ]

    def ended_before(self, before_ns: int, keep_camera: str) -> list[int]:
        """Rows of sightings that ended before a moment, but for those of one camera; what is in view has not ended."""
        kept = self._cameras.known([keep_camera])
        column = self._columns
        late = (column["end_ns"] >= np.int64(before_ns)) | np.isin(column["camera"], kept)
        ended = column["alive"].astype(np.bool_) & column["final"].astype(np.bool_)
        rows: list[int] = np.flatnonzero(ended & ~late).tolist()
        return rows

    def export(self) -> tuple[dict[str, NDArray[np.generic]], Mapping[str, Sequence[str]]]:
        """Copies of its columns, cut to the rows in use, and the strings by name.

        The strings are what it holds itself, because copying a long list of them lets no other thread run: they are to
        be read before anything changes.
        """
        rows = len(self._sighting_ids)
        columns = {name: column[:rows].copy() for name, column in self._columns.items()}
        names = {"cameras": self._cameras, "identities": self._identities, "colours": self._colours}
        strings = {name: value.all() for name, value in names.items()}
        return columns, strings | {"sighting_ids": self._sighting_ids}

    @classmethod
    def load(cls, columns: Mapping[str, NDArray[np.generic]], strings: Mapping[str, Sequence[str]]) -> SightingTable:
        """The table that was exported.

        Raises:
            ValueError: Columns or codes do not fit each other.
        """
        table = cls()
        rows = len(strings["sighting_ids"])
        for name, kind in _COLUMNS.items():
            if name not in columns or columns[name].shape != (rows,) or columns[name].dtype != kind:
                raise ValueError(f"column {name} is missing or not {np.dtype(kind).name} ({rows},)")
            table._columns[name] = columns[name]
        table._sighting_ids = list(strings["sighting_ids"])
        alive = columns["alive"].astype(np.bool_)
        named: dict[str, Names] = {}
        for column, key in _STRINGS.items():
            listed, codes = strings[key], np.unique(columns[column][alive].astype(np.int64))
            if len(codes) and not (codes[0] >= UNDECIDED and codes[-1] < len(listed)):
                raise ValueError(f"column {column} holds a code without a name")
            named[column] = Names.load(listed, codes[codes != UNDECIDED].tolist())
        table._cameras, table._identities, table._colours = named["camera"], named["identity"], named["colour"]
        table._row = {table._sighting_ids[row]: row for row in np.flatnonzero(alive).tolist()}
        table._free = np.flatnonzero(~alive).tolist()
        identity = columns["identity"].astype(np.int64)
        for row in np.flatnonzero(alive & (identity != UNDECIDED)).tolist():
            table._rows_of.setdefault(int(identity[row]), set()).add(row)
        return table

    def mask(self, wanted: SearchFilter) -> NDArray[np.bool_]:
        """Which rows hold a sighting that the filter lets through: bool (rows,)."""
        return self._passing(wanted, slice(None))

    def takes(self, row: int, wanted: SearchFilter) -> bool:
        """Whether the filter lets the sighting of a row through."""
        return bool(self._passing(wanted, slice(row, row + 1))[0])

    def _passing(self, wanted: SearchFilter, rows: slice) -> NDArray[np.bool_]:
        column = {name: values[rows] for name, values in self._columns.items()}
        may: NDArray[np.bool_] = column["alive"].astype(np.bool_, copy=True)
        if wanted.camera_ids:
            may &= np.isin(column["camera"], self._cameras.known(wanted.camera_ids))
        if wanted.exclude_camera_ids:
            may &= ~np.isin(column["camera"], self._cameras.known(wanted.exclude_camera_ids))
        if wanted.from_ns is not None:
            may &= (column["end_ns"] >= np.int64(wanted.from_ns)) | ~column["final"].astype(np.bool_)
        if wanted.to_ns is not None:
            may &= column["start_ns"] <= np.int64(wanted.to_ns)
        if wanted.classes:
            may &= np.isin(column["vehicle_class"], [int(c) for c in wanted.classes])
        if wanted.colours:
            may &= np.isin(column["colour"], self._colours.known(wanted.colours))
        if wanted.exclude_sighting_ids:
            excluded = [self._row[s] for s in wanted.exclude_sighting_ids if s in self._row]
            may &= ~np.isin(np.arange(*rows.indices(len(self._columns["alive"]))), excluded)
        if wanted.exclude_identity_ids:
            may &= ~np.isin(column["identity"], self._identities.known(wanted.exclude_identity_ids))
        return may

    def _claim(self, sighting_id: str) -> int:
        if self._free:
            row = self._free.pop()
            self._sighting_ids[row] = sighting_id
        else:
            row = len(self._sighting_ids)
            self._sighting_ids.append(sighting_id)
            if row >= len(self._columns["alive"]):
                self._grow(max(1024, 2 * row))
        self._row[sighting_id] = row
        return row

    def _grow(self, capacity: int) -> None:
        for name, column in self._columns.items():
            grown = np.zeros(capacity, column.dtype)
            grown[: len(column)] = column
            self._columns[name] = grown
