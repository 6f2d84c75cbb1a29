"""Composes a matcher from explicit parts and runs its threads. The only place of this package that wires things."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from reid.types import Embedder
from services.crops import CropStore
from services.identity.store import IdentityStore
from services.matcher.follower import GalleryFollower
from services.matcher.gallery import Gallery
from services.matcher.index.faiss_cpu import FaissCpuIndex
from services.matcher.probes import DEFAULT_PADDING, CutRule, Detector, ProbeReader
from services.matcher.server import MatcherServer
from services.matcher.servicers import Parts
from services.matcher.settings import MatcherSettings

log = logging.getLogger(__name__)

_JOIN_S = 10.0


class Loop(Protocol):
    """Work that goes on in the background."""

    def run(self, stop: threading.Event) -> None:
        """Works until told to stop."""
        ...


class Matcher:
    """A matcher in this process: gallery, listener and the threads behind them."""

    def __init__(self, server: MatcherServer, gallery: Gallery, loops: dict[str, Loop], drain_s: float) -> None:
        """Use build_matcher."""
        self._server = server
        self._gallery = gallery
        self._drain_s = drain_s
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
        return self._gallery

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
        self._server.stop(self._drain_s)
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(_JOIN_S)

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


def build_matcher(  # noqa: PLR0913 - the one place that wires
    store: IdentityStore,
    detector: Detector,
    embedder: Embedder,
    settings: MatcherSettings,
    associator: Loop | None = None,
    crop_padding: float = DEFAULT_PADDING,
    *,
    crops: CropStore | None = None,
) -> Matcher:
    """Wires a matcher and binds its port.

    Args:
        store: The system of record, read by the gallery and written by calls.
        detector: Finds the vehicle in a query's picture; used by nobody else.
        embedder: Of the gallery's model; used by nobody else.
        settings: Where to listen and what to refuse.
        associator: Decides on sightings in a thread of its own; None where another process does.
        crop_padding: Margin of the gallery's crops, as a share of the box's side; queries are cut alike.
        crops: Stored pictures, for consoles; None hands out none.

    Raises:
        ConfigError: The address cannot be listened on.
        PortInUse: Somebody else listens there.
    """
    spec = embedder.spec
    gallery = Gallery(spec.model_id, spec.calibration, lambda: FaissCpuIndex(spec.dim))
    rule = CutRule(settings.min_query_confidence, crop_padding, settings.whole_picture_share)
    reader = ProbeReader(detector, embedder, settings.image_limits, rule)
    server = MatcherServer(Parts(store, gallery, reader, settings, crops))
    loops: dict[str, Loop] = {"gallery": GalleryFollower(store, gallery, lambda: server.set_serving(True))}
    if associator is not None:
        loops["associator"] = associator
    return Matcher(server, gallery, loops, settings.drain_s)
