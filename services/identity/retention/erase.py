"""Erasure: removal that is proven. Deletes, waits for every holder, has the server's files made anew, and looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.crops import CropStore
from services.errors import NotFound, StoreUnavailable
from services.identity.retention.contract import SERVER
from services.identity.retention.proof import Search, search_folder
from services.identity.retention.sweep import purge_crops
from services.identity.store import IdentityStore

_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Erasure:
    """What became of an erasure.

    Attributes:
        subject: The identity or sighting.
        sighting_ids: What was removed.
        crops: How many pictures they had.
        waits: Holders that have not acknowledged in time; the sweep ends the erasure when they have.
        search: What was looked for in the data folder; None where there is none to look at, or holders are missing.
        log_position: Of the deletion.
    """

    subject: str
    sighting_ids: tuple[str, ...]
    crops: int
    waits: tuple[str, ...]
    search: Search | None
    log_position: str

    @property
    def proven(self) -> bool:
        """Whether every holder has acknowledged and nothing was found where it was looked for."""
        return not self.waits and self.search is not None and self.search.clean


class Eraser:
    """Erases identities and sightings of one site.

    Args:
        store: The system of record.
        crops: Where pictures are.
        data_dir: What to search for the vectors; None where the server's files are on another machine.
        patience_s: Longest wait for holders, and again for the server's files.
    """

    def __init__(self, store: IdentityStore, crops: CropStore, data_dir: Path | None, patience_s: float = 60.0) -> None:
        self._store = store
        self._crops = crops
        self._data_dir = data_dir
        self._patience_s = patience_s

    def identity(self, identity_id: str, actor: str) -> Erasure:
        """Erases an identity (by id or alias) with all its sightings.

        Raises:
            NotFound: There is no such identity.
            StoreUnavailable: The server did not answer, or did not write its files anew in time. What is deleted is
                deleted; the sweep ends the erasure.
        """
        record = self._store.get_identity(identity_id)
        if record is None:
            raise NotFound(f"no identity {identity_id}")
        names = (record.identity_id, *record.aliases)
        return self._erase(
            record.identity_id,
            record.sighting_ids,
            names,
            lambda: self._store.delete_identity(record.identity_id, actor, cause="erase"),
            actor,
        )

    def sighting(self, sighting_id: str, actor: str) -> Erasure:
        """Erases one sighting. Raises as ``identity``."""
        owner = self._store.identity_of(sighting_id)
        record = None if owner is None else self._store.get_identity(owner)
        alone = record is not None and record.sighting_ids == (sighting_id,)
        names = (record.identity_id, *record.aliases) if record is not None and alone else ()
        return self._erase(
            sighting_id,
            (sighting_id,),
            names,
            lambda: self._store.delete_sighting(sighting_id, actor, cause="erase"),
            actor,
        )

    def _erase(
        self, subject: str, sighting_ids: tuple[str, ...], names: Sequence[str], delete: Callable[[], str], actor: str
    ) -> Erasure:
        store = self._store
        vectors = store.vector_bytes(sighting_ids)
        position = delete()
        held = store.purges_of(sighting_ids)
        crops = sum(len(purge.crop_keys) for purge in held)
        waits = self._wait_for_holders(sighting_ids)
        if waits:
            return Erasure(subject, sighting_ids, crops, (*waits, SERVER), None, position)
        store.rewrite(sighting_ids, names, self._patience_s)
        store.acknowledge(SERVER, sighting_ids)
        search = None if self._data_dir is None else self._search(self._data_dir, vectors)
        found = "not searched" if search is None else f"{len(search.traces)} traces in {search.files} files"
        store.note(actor, "erasure_done", subject, len(sighting_ids), found)
        return Erasure(subject, sighting_ids, crops, (), search, position)

    def _wait_for_holders(self, sighting_ids: Sequence[str]) -> tuple[str, ...]:
        """Removes pictures and waits for views; returns who is missing when patience ends."""
        deadline = time.monotonic() + self._patience_s
        pause = threading.Event()
        while True:
            purge_crops(self._store, self._crops)
            missing = {name for purge in self._store.purges_of(sighting_ids) for name in purge.waits} - {SERVER}
            if not missing or time.monotonic() > deadline:
                return tuple(sorted(missing))
            pause.wait(_POLL_S)

    def _search(self, data_dir: Path, vectors: Sequence[bytes]) -> Search:
        """Searches, for a while again: a server removes the files that it has replaced in the background."""
        deadline = time.monotonic() + min(self._patience_s, 10.0)
        while True:
            try:
                search = search_folder(data_dir, vectors)
            except OSError as exc:
                raise StoreUnavailable(f"the data folder cannot be searched: {exc}") from exc
            if not search.traces or time.monotonic() > deadline:
                return search
            time.sleep(_POLL_S * 4)
