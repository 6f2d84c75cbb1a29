"""Decides which packets of a live stream are decoded and which pictures become frames. Decodes and waits for nothing.

Three reasons to leave something out, each counted: a rate that was set (``capped``), an inference that takes fewer
frames than the camera gives (``paced``), a reader that lags behind its own stream (``skipped`` packets).
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping

from services.ingest.slot import SlotCounts

#: How often the rate is thought over.
REVIEW_S = 1.0
#: Of the frames offered, more than this share replaced unread makes the rate fall.
WASTE = 0.25
#: Offered beyond what was taken, so that a frame is always ready and a free moment is noticed.
SPARE = 1.25
#: Without waste, pauses shrink by this factor at each review.
RECOVERY = 0.7
#: A lag beyond this is more than jitter, when packets also come without waiting for them.
BEHIND_S = 0.5
#: A packet that was waited for less than this share of the media time since the one before was itself waiting.
UNWAITED_SHARE = 0.25
#: No picture is missed for longer than this for the sake of catching up, unless the lag is longer still.
LONGEST_BLIND_S = 3.0
#: Taken for the distance of keyframes before two were seen.
USUAL_GOP_S = 2.0
_NS = 1_000_000_000


class RateCap:
    """Leaves out frames beyond a rate, judged by capture time; steady even where the rates do not divide."""

    def __init__(self, max_fps: float | None) -> None:
        self._interval_ns = None if max_fps is None else _NS / max_fps
        self._due_ns = -math.inf

    def due(self, captured_at_ns: int) -> bool:
        """Whether a frame is within the rate; call it for each in order."""
        if self._interval_ns is None:
            return True
        late_ns = captured_at_ns - self._due_ns
        # A tenth of an interval early counts as due: capture times carry rounding and jitter.
        if late_ns < -self._interval_ns / 10:
            return False
        begin_ns = self._due_ns if late_ns < self._interval_ns else captured_at_ns
        self._due_ns = begin_ns + self._interval_ns
        return True


class Pace:
    """The pace of one session. Used by its reader thread alone."""

    def __init__(
        self,
        max_fps: float | None = None,
        *,
        intra_only: bool = False,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins at full speed.

        Args:
            max_fps: Rate that was set; None for all.
            intra_only: Every packet can be decoded alone, as in MJPEG.
            monotonic_s: A clock that never goes back.
        """
        self._cap = RateCap(max_fps)
        self._intra_only = intra_only
        self._monotonic_s = monotonic_s
        self._reviewed_s = monotonic_s()
        self._before: SlotCounts | None = None
        self._interval_s = 0.0
        self._next_s = -math.inf
        self._broken = False
        self._keyframe_s: float | None = None
        self._packet_s = -math.inf
        self._gop_s: float | None = None
        self._left_out: Counter[str] = Counter()

    @property
    def left_out(self) -> Mapping[str, int]:
        """Pictures and packets left out so far, by reason: ``capped``, ``paced``, ``skipped``, ``damaged``."""
        return dict(self._left_out)

    @property
    def interval_s(self) -> float:
        """Least time between two frames now; 0 when all are given."""
        return self._interval_s

    def count_damaged(self, count: int) -> None:
        """Notes pictures that could not be decoded."""
        if count:
            self._left_out["damaged"] += count

    def heed(self, counts: SlotCounts) -> None:
        """Adapts the rate to what is taken.

        Args:
            counts: Of this camera's place in the slot, so far.
        """
        now_s = self._monotonic_s()
        elapsed_s = now_s - self._reviewed_s
        if elapsed_s < REVIEW_S:
            return
        before, self._before, self._reviewed_s = self._before, counts, now_s
        if before is None:
            return
        offered, dropped = counts.offered - before.offered, counts.dropped - before.dropped
        if offered and dropped > WASTE * offered:
            taken = max(counts.taken - before.taken, 1)
            self._interval_s = elapsed_s / (SPARE * taken)
        elif not dropped:
            self._interval_s *= RECOVERY
            if self._interval_s < 0.01:
                self._interval_s = 0.0

    def decodes(self, *, keyframe: bool, disposable: bool, lag_s: float, waited_s: float, at_s: float) -> bool:
        """Whether to decode a packet. One that is not decoded takes those that build on it along, up to a keyframe.

        Args:
            keyframe: It can be decoded alone.
            disposable: Nothing builds on it.
            lag_s: How late it is, compared with the least delayed packet of the session.
            waited_s: How long the reader waited for it.
            at_s: Its media time.
        """
        self._note_keyframe(at_s, keyframe=keyframe)
        gap_s, self._packet_s = at_s - self._packet_s, at_s
        behind = lag_s > BEHIND_S and waited_s < UNWAITED_SHARE * gap_s
        if self._intra_only:
            wanted = not behind
        elif keyframe:
            self._broken = False
            wanted = True
        elif self._broken or self._gives_up(lag_s, behind=behind):
            self._broken = True
            wanted = False
        else:
            wanted = not (behind and disposable)
        if not wanted:
            self._left_out["skipped"] += 1
        return wanted

    def offers(self, at_s: float, captured_at_ns: int) -> bool:
        """Whether a decoded picture becomes a frame.

        Args:
            at_s: Its media time.
            captured_at_ns: Its capture time.
        """
        if not self._cap.due(captured_at_ns):
            self._left_out["capped"] += 1
            return False
        # A tenth early counts, as for the cap.
        if at_s < self._next_s - self._interval_s / 10:
            self._left_out["paced"] += 1
            return False
        self._next_s = at_s + self._interval_s
        return True

    def _gives_up(self, lag_s: float, *, behind: bool) -> bool:
        """Whether to jump to the next keyframe: what is missed until then must be worth it."""
        gop_s = USUAL_GOP_S if self._gop_s is None else self._gop_s
        # Inference takes no more than the keyframes: nothing between them is wanted at all.
        if self._gop_s is not None and self._interval_s >= self._gop_s:
            return True
        return behind and lag_s > max(BEHIND_S, min(gop_s / 2, LONGEST_BLIND_S))

    def _note_keyframe(self, at_s: float, *, keyframe: bool) -> None:
        if keyframe:
            if self._keyframe_s is not None and at_s > self._keyframe_s:
                self._gop_s = at_s - self._keyframe_s
            self._keyframe_s = at_s
