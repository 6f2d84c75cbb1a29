"""Owns one camera's life: its reader thread, watchdog and reconnecting; never decodes, never touches another camera."""

from __future__ import annotations

import logging
import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal

from detector.types import Frame
from services.errors import SourceGone, SourceUnavailable
from services.ids import IdFactory, uuid7
from services.ingest.cameras import CameraSettings, redact
from services.ingest.slot import LatestFrames
from services.ingest.source import Source, open_source
from services.ingest.sources.files import Playback
from services.ingest.sources.pace import Pace

log = logging.getLogger(__name__)

FIRST_BACKOFF_S = 0.5
MAX_BACKOFF_S = 10.0
#: A session that gave frames for this long was a healthy one: the next back-off starts small again.
HEALTHY_AFTER_S = 5.0
#: What a blocked call gets beyond its own time-out before the watchdog gives it up.
WATCHDOG_GRACE_S = 2.0
WATCHDOG_PERIOD_S = 0.1
#: Readers given up that still hang; with this many no further one is started.
MAX_HANGING = 4
_WAIT_SLICE_S = 0.25
#: With ``once``: a server that knew the stream and has not known it for so long has ended it without saying so.
GONE_AFTER_S = 60.0

Status = Literal["starting", "up", "down", "ended"]
Opener = Callable[[CameraSettings, IdFactory], Source]


@dataclass(frozen=True, slots=True)
class CameraState:
    """How a camera is doing.

    Attributes:
        camera_id: Which.
        state: "ended" is final.
        detail: One line on what is wrong, without passwords; empty while all is well.
        session_id: Of the newest session that gave a frame, empty before.
        reconnects: Sessions that gave a frame after the first.
        since_ns: When ``state`` or the session last changed, UTC nanoseconds.
        abandoned: Reads that blocked beyond their time-out and were given up.
    """

    camera_id: str
    state: Status
    detail: str
    session_id: str
    reconnects: int
    since_ns: int
    abandoned: int = 0


class Backoff:
    """Growing pauses between attempts, jittered so that cameras behind one switch do not return in step."""

    def __init__(self, *, first_s: float = FIRST_BACKOFF_S, max_s: float = MAX_BACKOFF_S) -> None:
        self._first_s = first_s
        self._max_s = max_s
        self._ceiling_s = first_s
        self._random = random.Random()

    def next_s(self) -> float:
        """The next pause in seconds: half to all of a ceiling that doubles up to the maximum."""
        ceiling_s, self._ceiling_s = self._ceiling_s, min(self._ceiling_s * 2, self._max_s)
        return self._random.uniform(ceiling_s / 2, ceiling_s)

    def reset(self) -> None:
        """Begins small again."""
        self._ceiling_s = self._first_s


class _Reader:
    """One reader thread as its watchdog sees it: until when the call that it is in may take."""

    def __init__(self, run: Callable[[_Reader], None], name: str) -> None:
        self.thread = threading.Thread(target=run, args=(self,), name=name, daemon=True)
        self.abandoned = False
        self.deadline_s: float | None = None

    @contextmanager
    def within(self, timeout_s: float) -> Iterator[None]:
        """Marks a call that may block."""
        self.deadline_s = time.monotonic() + timeout_s + WATCHDOG_GRACE_S
        try:
            yield
        finally:
            self.deadline_s = None

    def overdue(self) -> bool:
        """Whether the call took longer than it may."""
        deadline_s = self.deadline_s
        return deadline_s is not None and time.monotonic() > deadline_s


class CameraWorker:
    """Keeps one camera's newest frames coming into the slot, whatever the camera does.

    A file ends at its end. A stream that closes or fails is opened again for ever; with ``once`` it ends when the
    server says that it is over, or has not known it for a minute (a server that restarts, or whose camera is unplugged,
    knows no such stream for a while), and a file that cannot be read ends with the reason.
    """

    def __init__(
        self,
        settings: CameraSettings,
        slot: LatestFrames,
        *,
        once: bool = False,
        on_state: Callable[[CameraState], None] = lambda _: None,
        session_ids: IdFactory = uuid7,
        opener: Opener = open_source,
    ) -> None:
        """Prepares; nothing is opened before start().

        Args:
            settings: The camera.
            slot: Where its frames go.
            once: End with the source instead of waiting for its return.
            on_state: Called at every change, by the camera's own threads and one call at a time; must not block.
            session_ids: Makes session ids.
            opener: Opens a session.
        """
        self._settings = settings
        self._slot = slot
        self._once = once
        self._on_state = on_state
        self._session_ids = session_ids
        self._opener = opener
        self._backoff = Backoff()
        self._stopping = threading.Event()
        self._lock = threading.RLock()
        self._hanging: list[_Reader] = []
        self._reader: _Reader | None = None
        self._watchdog = threading.Thread(target=self._watch, name=f"camera-{settings.id}-watchdog", daemon=True)
        self._state = CameraState(settings.id, "starting", "", "", 0, time.time_ns())
        self._left_out: Counter[str] = Counter()
        self._gone_since_s: float | None = None
        self._pace: Pace | None = None

    @property
    def state(self) -> CameraState:
        """How the camera is doing; never blocks."""
        return self._state

    @property
    def settings(self) -> CameraSettings:
        """What it was made with."""
        return self._settings

    @property
    def left_out(self) -> Mapping[str, int]:
        """What never reached the slot, by reason, over all sessions: see ``Pace.left_out``."""
        pace = self._pace
        return self._left_out + Counter(pace.left_out if pace is not None else {})

    def start(self) -> None:
        """Starts reading."""
        with self._lock:
            self._on_state(self._state)
            self._start_reader()
        self._watchdog.start()

    def stop(self, timeout_s: float) -> bool:
        """Stops reading.

        Args:
            timeout_s: Longest wait for the threads.

        Returns:
            Whether they ended, after which no frame is put; one that hangs in a read is left to itself.
        """
        self._stopping.set()
        deadline_s = time.monotonic() + timeout_s
        with self._lock:
            threads = [self._watchdog, *([self._reader.thread] if self._reader else [])]
        for thread in threads:
            if thread.ident is not None and thread is not threading.current_thread():
                thread.join(max(deadline_s - time.monotonic(), 0))
        return not any(thread.is_alive() for thread in threads)

    def _start_reader(self) -> None:
        self._reader = _Reader(self._read, f"camera-{self._settings.id}")
        self._reader.thread.start()

    def _halted(self, reader: _Reader) -> bool:
        return reader.abandoned or self._stopping.is_set() or self._slot.closed

    def _watch(self) -> None:
        """Replaces a reader that hangs, from outside of it."""
        while not self._stopping.wait(WATCHDOG_PERIOD_S) and self._state.state != "ended":
            self._hanging = [reader for reader in self._hanging if reader.thread.is_alive()]
            with self._lock:
                reader = self._reader
                if reader is not None and reader.overdue():
                    reader.abandoned = True
                    self._reader = None
                    self._hanging.append(reader)
                    detail, abandoned = "a read hung and was given up", self._state.abandoned + 1
                    self._publish(replace(self._state, state="down", detail=detail, abandoned=abandoned))
                if self._reader is None and len(self._hanging) < MAX_HANGING:
                    self._start_reader()

    def _read(self, reader: _Reader) -> None:
        """A reader thread: session after session, until the end."""
        while not self._halted(reader):
            try:
                ended = self._session(reader)
            except Exception as exc:
                # Top of the thread: whatever a decoder throws costs this session of this camera, not the process.
                trace = redact(traceback.format_exc())
                log.error("camera session failed: %s", trace, extra={"camera_id": self._settings.id})
                ended = self._lost(reader, f"internal error: {type(exc).__name__}")
            if ended or self._stopping.wait(self._backoff.next_s()):
                return

    def _session(self, reader: _Reader) -> bool:
        """Opens, reads to the end, closes.

        Returns:
            Whether the camera ended.
        """
        settings = self._settings
        try:
            with reader.within(settings.open_timeout_s):
                source = self._opener(settings, self._session_ids)
            try:
                self._pace = source.pace
                self._pump(reader, source)
            finally:
                if source.pace is not None and self._pace is source.pace:
                    self._pace = None
                    self._left_out.update(source.pace.left_out)
                with reader.within(settings.read_timeout_s):
                    source.close()
        except SourceGone as exc:
            over = self._once and (exc.for_good or self._long_gone())
            return self._ended(reader, "") if over else self._lost(reader, str(exc))
        except SourceUnavailable as exc:
            if self._once and settings.kind != "stream":
                return self._ended(reader, str(exc))
            return self._lost(reader, str(exc))
        if self._halted(reader):
            return True
        if settings.kind == "stream":
            return self._lost(reader, "the stream was closed by the server")
        return self._ended(reader, "")

    def _long_gone(self) -> bool:
        """Whether a stream that gave frames before has been unknown to its server for long."""
        now_s = time.monotonic()
        if self._gone_since_s is None:
            self._gone_since_s = now_s
        return bool(self._state.session_id) and now_s - self._gone_since_s >= GONE_AFTER_S

    def _pump(self, reader: _Reader, source: Source) -> None:
        """Moves frames from the source into the slot until either ends."""
        first_s: float | None = None
        # A silent open is followed by a silent first read; FFmpeg's own time-outs end each of them.
        patience_s = self._settings.read_timeout_s * 1.5
        playback = Playback() if self._settings.played else None
        while True:
            with reader.within(patience_s):
                frame = next(source, None)
            if frame is None or self._halted(reader):
                return
            if first_s is None:
                first_s = time.monotonic()
                self._gone_since_s = None
                self._up(reader, source.session_id)
            elif time.monotonic() - first_s > HEALTHY_AFTER_S:
                self._backoff.reset()
            if playback is not None and not self._wait(reader, playback, frame):
                return
            self._offer(reader, frame)
            if source.pace is not None:
                source.pace.heed(self._slot.counts(self._settings.id))

    def _wait(self, reader: _Reader, playback: Playback, frame: Frame) -> bool:
        """Waits until a frame is due; false when the reader is to end instead."""
        while not self._halted(reader):
            left_s = playback.left_s(frame)
            if left_s <= 0.0:
                return True
            self._stopping.wait(min(left_s, _WAIT_SLICE_S))
        return False

    def _offer(self, reader: _Reader, frame: Frame) -> None:
        if self._settings.live:
            self._slot.put(frame)
            return
        while not self._halted(reader) and not self._slot.put_wait(frame, _WAIT_SLICE_S):
            pass

    def _up(self, reader: _Reader, session_id: str) -> None:
        with self._lock:
            if not reader.abandoned:
                first = not self._state.session_id
                reconnects = self._state.reconnects + (not first)
                self._publish(replace(self._state, state="up", detail="", session_id=session_id, reconnects=reconnects))

    def _lost(self, reader: _Reader, detail: str) -> bool:
        with self._lock:
            if not self._halted(reader):
                log.warning("camera down: %s", redact(detail), extra={"camera_id": self._settings.id})
                self._publish(replace(self._state, state="down", detail=detail))
        return False

    def _ended(self, reader: _Reader, detail: str) -> bool:
        with self._lock:
            if not self._halted(reader):
                self._publish(replace(self._state, state="ended", detail=detail))
        return True

    def _publish(self, state: CameraState) -> None:
        """Replaces the state and tells, where anything changed; the lock keeps the calls in order."""
        with self._lock:
            old = self._state
            same = (state.state, state.session_id) == (old.state, old.session_id)
            since_ns = old.since_ns if same else time.time_ns()
            self._state = replace(state, detail=redact(" ".join(state.detail.split())), since_ns=since_ns)
            if self._state != old:
                self._on_state(self._state)
