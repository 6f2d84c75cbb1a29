"""Composes a matcher from explicit parts and runs its threads. The only place of this package that wires things."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from threadpoolctl import threadpool_limits

from reid.types import Embedder, EmbedderSpec
from services.crops import CropStore
from services.errors import Unavailable
from services.identity.retention.settings import RetentionSettings
from services.identity.retention.sweep import RetentionLoop
from services.identity.store import IdentityStore
from services.matcher.door.admission import Door
from services.matcher.door.ledger import Ledger
from services.matcher.enrolment import Enroller
from services.matcher.exposition import MatcherExposition
from services.matcher.follower import GalleryFollower, Upkeep
from services.matcher.gallery import Gallery
from services.matcher.index.opening import open_index
from services.matcher.index.segment import Snapshottable
from services.matcher.probes import DEFAULT_PADDING, CutRule, Detector, ProbeReader
from services.matcher.server import MatcherServer, Offer
from services.matcher.servicers import Parts
from services.matcher.settings import MatcherSettings
from services.matcher.snapshotter import Snapshotter
from services.matcher.standing import StandingLoop
from services.matcher.upkeep_servicer import Keeping
from services.memory import share_arenas
from services.privacy.guard import PictureGuard
from services.rolling.roster import ModelRoster
from tracker.multi_camera.settings import AssociationSettings

log = logging.getLogger(__name__)

_JOIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where a matcher keeps things beside the store.

    Attributes:
        crops: Pictures of sightings; None keeps and shows none.
        snapshot_folder: Where the gallery's snapshot lies; None keeps none.
        crop_padding: Margin of the gallery's crops, as a share of the box's side; queries are cut alike.
        guard: What pictures must look like that are stored.
    """

    crops: CropStore | None = None
    snapshot_folder: Path | None = None
    crop_padding: float = DEFAULT_PADDING
    guard: PictureGuard = field(default_factory=PictureGuard)


@dataclass(frozen=True, slots=True)
class Rolling:
    """How a matcher follows its site when that changes its model.

    Attributes:
        roster: The models open here.
        loops: Threads that keep it in step and describe with a second model what has pictures, by name.
    """

    roster: ModelRoster
    loops: Mapping[str, Loop] = field(default_factory=dict)


class Loop(Protocol):
    """Work that goes on in the background."""

    def run(self, stop: threading.Event) -> None:
        """Works until told to stop."""
        ...


class Matcher:
    """A matcher in this process: gallery, listener and the threads behind them."""

    def __init__(self, server: MatcherServer, parts: Parts, loops: dict[str, Loop]) -> None:
        """Use build_matcher."""
        self._server = server
        self._parts = parts
        self._loops = dict(loops)
        self._stop = threading.Event()
        self._ended = threading.Event()
        self._failed = False
        self._threads = [
            threading.Thread(target=self._run, args=(name, loop), name=name, daemon=True)
            for name, loop in loops.items()
        ]

    @property
    def address(self) -> str:
        """Where it listens, host:port."""
        return self._server.address

    @property
    def gallery(self) -> Gallery:
        """What it searches."""
        return self._parts.gallery

    @property
    def parts(self) -> Parts:
        """What its calls work with."""
        return self._parts

    @property
    def exposition(self) -> MatcherExposition:
        """What a scrape is told."""
        return MatcherExposition(self._server, self._parts, self._loops)

    @property
    def well(self) -> bool:
        """Whether all of its threads work."""
        return not self._failed

    def start(self) -> None:
        """Answers calls from now on; health turns SERVING when the gallery has caught up."""
        self._server.start()
        for thread in self._threads:
            thread.start()
        log.info("matcher listens on %s", self.address)

    def wait(self, stop: threading.Event) -> bool:
        """Waits until ``stop`` is set or a thread has failed; returns whether all went well."""
        while not stop.wait(0.2) and not self._ended.is_set():
            pass
        return not self._failed

    def stop(self) -> None:
        """Drains running calls within the deadline and ends the threads."""
        self._server.stop(self._parts.settings.drain_s)
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_JOIN_S)
        self._parts.gallery.close()

    def _run(self, name: str, loop: Loop) -> None:
        try:
            loop.run(self._stop)
        except Exception:  # the top of a thread: the process ends and its supervisor starts another
            log.exception("thread %s failed", name)
            self._failed = True
        finally:
            if not self._stop.is_set():
                self._server.set_serving(False)
                self._failed = True
                self._ended.set()


def build_matcher(  # noqa: PLR0913 - one per part that is wired
    store: IdentityStore,
    detector: Detector,
    embedder: Embedder,
    settings: MatcherSettings,
    associator: Loop | None = None,
    places: Places | None = None,
    *,
    retention: RetentionLoop | None = None,
    association: AssociationSettings | None = None,
    door: Door | None = None,
    read_only: bool = False,
    rolling: Rolling | None = None,
) -> Matcher:
    """Wires a matcher and binds its port.

    Args:
        store: The system of record, read by the gallery and written by calls.
        detector: Finds the vehicle in a query's picture; used by nobody else.
        embedder: Of the gallery's model; used by nobody else.
        settings: Where to listen and what to refuse.
        associator: Decides on sightings in a thread of its own; None where another process does.
        places: Where pictures and the snapshot are kept, and how crops are cut.
        retention: Removes what is past its time; None where another process does. Of a replica that only reads, its
            settings count.
        association: Of the site, by which learned topology is read; None for what settings are by default.
        door: How callers come in; None lets in everybody on this machine.
        read_only: Refuse every call that changes what the site knows.
        rolling: How the site's model is followed; None for one that does not change.

    Raises:
        ConfigError: The address cannot be listened on, or not without TLS and tokens.
        PortInUse: Somebody else listens there.
    """
    # Segments are scanned side by side, a thread each; threads within a matrix product would only contend with these.
    threadpool_limits(1, "blas")
    share_arenas()
    spec = embedder.spec
    places = places or Places()
    # Checked once here, so that a missing extra or server is one line at start and not a dead thread.
    first = open_index(settings, spec.dim)
    spare = [first]
    gallery = Gallery(spec, lambda dim: spare.pop() if spare else open_index(settings, dim))
    roster = ModelRoster(embedder, "", lambda _: embedder) if rolling is None else rolling.roster
    rule = CutRule(settings.min_query_confidence, places.crop_padding, settings.whole_picture_share)
    reader = ProbeReader(detector, lambda: embedder_of(roster, gallery.model_id), settings.image_limits, rule)
    folder = places.snapshot_folder if isinstance(first, Snapshottable) else None
    view = f"gallery:{socket.gethostname()}/{settings.listen}"
    follower = GalleryFollower(
        store,
        gallery,
        lambda: server.set_serving(True),
        Upkeep(folder=folder, ttl_s=settings.ttl_s, view=view),
        None if rolling is None else partial(current_spec, store, roster),
    )
    keeping = Keeping(
        crops=places.crops,
        enroller=Enroller(store, lambda: gallery.model_id, places.crops, guard=places.guard),
        folder=folder,
        feeder=follower.call,
        refill=follower.refill,
    )
    kept = RetentionSettings() if retention is None else retention.settings
    parts = Parts(store, gallery, reader, settings, kept, association or AssociationSettings())
    ledger = Ledger(store)
    standing = StandingLoop(store, gallery)
    server = MatcherServer(Offer(parts, keeping, door or Door(), ledger, standing, read_only))
    loops: dict[str, Loop] = {"gallery": follower, "audit": ledger}
    if not read_only:
        loops["standing"] = standing
    if folder is not None and settings.snapshot_every_s is not None:
        loops["snapshots"] = Snapshotter(gallery, folder, settings.snapshot_every_s)
    if associator is not None:
        loops["associator"] = associator
    if retention is not None and not read_only:
        loops["retention"] = retention
    if rolling is not None:
        loops |= rolling.loops
    return Matcher(server, parts, loops)


def embedder_of(roster: ModelRoster, model_id: str) -> Embedder:
    """The open embedder of a model.

    Raises:
        Unavailable: It is not open here.
    """
    found = roster.of(model_id)
    if found is None:
        raise Unavailable(f"model {model_id[:12]} is not open here; ask again")
    return found


def current_spec(store: IdentityStore, roster: ModelRoster) -> EmbedderSpec:
    """The site's model as it is now, opened where it was not.

    Raises:
        StoreUnavailable: The store does not answer.
        ModelFileError: The model cannot be opened on this machine.
    """
    return roster.refresh(store.roll()).active.spec
