"""Which cameras this process reads: its fair share of the group's, each under a lease with a fencing token.

Owns the camera leases. Opens no camera and writes no sighting. A process that is killed loses its leases within
``lease_ttl_s``; the others then see a smaller group and take what is free.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from pydantic import ValidationError

from services.errors import LeaseLost
from services.identity.ingest_board import IngestBoard
from services.identity.store import IdentityStore, renewed_or_acquired
from services.ingest.cameras import CameraSettings
from services.ingest.settings import IngestSettings
from services.types import Lease

log = logging.getLogger(__name__)


class CameraShare:
    """The cameras of one process. Only the thread that talks to the store calls ``keep``, ``retake`` and ``release``.

    A camera is *held* while it shall be read. One that is to be given up is no longer held but still leased, until
    ``leave`` was called for it and ``release`` gives the lease back: its last sightings go under the old token.
    """

    def __init__(  # noqa: PLR0913 - who, where, which cameras, how
        self,
        store: IdentityStore,
        board: IngestBoard,
        settings: IngestSettings,
        owner: str,
        configured: Sequence[CameraSettings],
        *,
        alone: bool = False,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Holds nothing yet.

        Args:
            store: Keeps the leases.
            board: Tells of the group's other processes and of cameras added or removed at run time.
            settings: Name of the group, time to live of leases.
            owner: Names this process.
            configured: Cameras that the configuration names, the same in all processes of the group.
            alone: Take every camera, whoever else is there; for runs that end with their cameras.
            monotonic_s: A clock that never goes back.
        """
        self._store = store
        self._board = board
        self._settings = settings
        self._owner = owner
        self._configured = {camera.id: camera for camera in configured}
        self._alone = alone
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._wanted: dict[str, CameraSettings] = dict(self._configured)
        self._leases: dict[str, Lease] = {}
        self._held: dict[str, CameraSettings] = {}
        self._left: set[str] = set()
        self._refused: set[str] = set()
        self._cautious_until_s = -math.inf

    @staticmethod
    def lease_name(camera_id: str) -> str:
        """Name of a camera's lease."""
        return f"camera:{camera_id}"

    @property
    def wanted(self) -> Mapping[str, CameraSettings]:
        """All cameras that the group shall read, as last seen."""
        with self._lock:
            return dict(self._wanted)

    @property
    def held(self) -> Mapping[str, CameraSettings]:
        """The cameras that this process shall read now."""
        with self._lock:
            return dict(self._held)

    def lease_of(self, camera_id: str) -> Lease | None:
        """The lease under which a camera's sightings are written; None where this process has none."""
        with self._lock:
            return self._leases.get(camera_id)

    def outage(self) -> None:
        """The store did not answer: for a while after its return, former holders go first.

        What they spooled meanwhile belongs to their cameras; a process that never lost touch with the store would
        otherwise be as likely to get them.
        """
        self._cautious_until_s = self._monotonic_s() + self._settings.lease_ttl_s

    def keep(self) -> None:
        """Renews what is held, gives up what is too much or no longer wanted, takes what is free and due.

        Raises:
            StoreUnavailable: The store does not answer.
        """
        members = self._board.join(self._settings.name, self._owner, self._settings.lease_ttl_s)
        wanted = self._current()
        with self._lock:
            former = dict(self._leases)
        kept = {
            camera_id: lease for camera_id, old in former.items() if (lease := self._hold(camera_id, old)) is not None
        }
        quota = len(wanted) if self._alone else math.ceil(len(wanted) / max(members, 1))
        with self._lock:
            self._wanted = wanted
            self._leases = kept
            mine = [camera_id for camera_id in wanted if camera_id in kept and camera_id not in self._left]
            # Those held already stay before those that wait to be left, so that nothing is moved without need.
            mine.sort(key=lambda camera_id: camera_id not in self._held)
            self._held = {camera_id: wanted[camera_id] for camera_id in mine[:quota]}
            room = quota - len(self._held)
        if room > 0 and self._monotonic_s() >= self._cautious_until_s:
            self._take([camera_id for camera_id in wanted if camera_id not in kept], room)

    def retake(self, camera_id: str) -> Lease:
        """A fresh token for a camera whose lease ran out.

        Raises:
            LeaseLost: Another process has it; it is no longer held here.
            StoreUnavailable: The store does not answer.
        """
        lease = self._hold(camera_id)
        with self._lock:
            if lease is not None:
                self._leases[camera_id] = lease
                return lease
            self._leases.pop(camera_id, None)
            self._held.pop(camera_id, None)
        raise LeaseLost(f"another process reads camera {camera_id}")

    def leave(self, camera_id: str) -> None:
        """The camera is no longer read and all its sightings were handed over."""
        with self._lock:
            if camera_id in self._leases:
                self._left.add(camera_id)

    def release(self, busy: Callable[[str], bool]) -> None:
        """Gives back the leases of cameras that were left, once nothing of theirs waits any more.

        Args:
            busy: Whether sightings of a camera still wait to be written.

        Raises:
            StoreUnavailable: The store does not answer.
        """
        with self._lock:
            ready = [(camera_id, self._leases.get(camera_id)) for camera_id in self._left if not busy(camera_id)]
        for camera_id, lease in ready:
            if lease is not None:
                self._store.release_lease(lease)
            if camera_id not in self._wanted:
                self._board.clear_record(camera_id)
            with self._lock:
                self._leases.pop(camera_id, None)
                self._left.discard(camera_id)

    def close(self) -> None:
        """Gives everything back.

        Raises:
            StoreUnavailable: The store does not answer.
        """
        with self._lock:
            leases, self._leases, self._held = list(self._leases.values()), {}, {}
        for lease in leases:
            self._store.release_lease(lease)
        self._board.leave(self._settings.name, self._owner)

    def _current(self) -> dict[str, CameraSettings]:
        """The cameras of the configuration, changed as the board says."""
        wanted = dict(self._configured)
        for camera_id, text in sorted(self._board.cameras().items()):
            wanted.pop(camera_id, None)
            if not text:
                continue
            try:
                wanted[camera_id] = CameraSettings.model_validate_json(text)
            except ValidationError as exc:
                if camera_id not in self._refused:
                    self._refused.add(camera_id)
                    log.error("camera %s was added with settings that cannot be used: %s", camera_id, exc.errors()[0])
        return wanted

    def _take(self, camera_ids: Sequence[str], room: int) -> None:
        for camera_id in camera_ids:
            if room <= 0:
                return
            lease = self._hold(camera_id)
            if lease is not None:
                room -= 1
                with self._lock:
                    self._leases[camera_id] = lease
                    self._held[camera_id] = self._wanted[camera_id]

    def _hold(self, camera_id: str, lease: Lease | None = None) -> Lease | None:
        name = self.lease_name(camera_id)
        return renewed_or_acquired(self._store, lease, name, self._owner, self._settings.lease_ttl_s)
