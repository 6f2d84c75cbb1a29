"""Owns what faults do to packets on their way to one client: noise, loss, swaps, a narrow link; knows no sockets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol
from zlib import crc32

import numpy as np

from simulator.rtsp.faults.kinds import Garbage, Loss, Slow
from simulator.rtsp.faults.schedule import Active

_RTP_HEADER_BYTES = 12
Channel = Literal["rtp", "rtcp", "raw"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes on their way.

    Attributes:
        channel: A media packet, a control packet, or bytes that have lost all framing.
        data: Without interleaved framing.
    """

    channel: Channel
    data: bytes


class Effect(Protocol):
    """One fault's work on one client's packets."""

    def apply(self, piece: Piece) -> Sequence[Piece]:
        """What goes on instead of a piece: it, another, several or none."""


class Noise:
    """Puts random bytes in the place of media packets, or of all there is of them."""

    def __init__(self, fault: Garbage, rng: np.random.Generator) -> None:
        self._fault = fault
        self._rng = rng

    def apply(self, piece: Piece) -> Sequence[Piece]:
        """Noise of the same length; control packets pass."""
        if piece.channel != "rtp" or self._rng.random() >= self._fault.share:
            return (piece,)
        if self._fault.where == "framing":
            return (Piece("raw", self._rng.bytes(len(piece.data))),)
        kept = piece.data[:_RTP_HEADER_BYTES]
        return (Piece("rtp", kept + self._rng.bytes(len(piece.data) - len(kept))),)


class Losses:
    """Lets media packets vanish, or holds one back until its successor has passed."""

    def __init__(self, fault: Loss, rng: np.random.Generator) -> None:
        self._fault = fault
        self._rng = rng
        self._held: Piece | None = None

    def apply(self, piece: Piece) -> Sequence[Piece]:
        """Nothing, the piece, or the piece and the one that was held."""
        if piece.channel == "rtcp":
            return (piece,)
        lost, swapped = self._rng.random(2) < (self._fault.share, self._fault.reorder)
        held, self._held = self._held, None
        passed = () if lost else (piece,)
        if held is not None:
            return (*passed, held)
        if swapped and not lost:
            self._held = piece
            return ()
        return passed


class Link:
    """A link of a given rate and length, as arithmetic: when what enters it comes out. Order is kept."""

    def __init__(self, fault: Slow, rng: np.random.Generator) -> None:
        self._fault = fault
        self._rng = rng
        self._busy_until_s = 0.0
        self._last_out_s = 0.0

    @property
    def room_bytes(self) -> int | None:
        """What may wait for its turn; None where the rate is not limited."""
        return None if self._fault.kbit_s is None else round(self._fault.buffer_s * self._bytes_s(self._fault.kbit_s))

    def out_s(self, now_s: float, size: int) -> float:
        """When bytes that enter now have come out.

        Args:
            now_s: Any clock that never goes back.
            size: Bytes.
        """
        if self._fault.kbit_s is not None:
            self._busy_until_s = max(now_s, self._busy_until_s) + size / self._bytes_s(self._fault.kbit_s)
        through_s = max(now_s, self._busy_until_s)
        late_s = self._fault.latency_s + self._fault.jitter_s * float(self._rng.random())
        self._last_out_s = max(through_s + late_s, self._last_out_s)
        return self._last_out_s

    def waiting_bytes(self, now_s: float) -> int:
        """Bytes whose turn has not come; what is only far away does not count."""
        if self._fault.kbit_s is None:
            return 0
        return round(max(self._busy_until_s - now_s, 0.0) * self._bytes_s(self._fault.kbit_s))

    @staticmethod
    def _bytes_s(kbit_s: float) -> float:
        return kbit_s * 1000 / 8


def effects_of(active: Sequence[Active], camera: str) -> tuple[list[Effect], Link | None]:
    """The effects of the faults that hold, in order, and the link at their end.

    Args:
        active: Faults of one camera; those that do nothing to packets are passed over.
        camera: Its id, so that one entry of a script does not do the same to every camera.

    Returns:
        Fresh effects for one client, and the first slow link if there is one.
    """
    effects: list[Effect] = []
    link: Link | None = None
    for each in active:
        fault = each.fault
        if isinstance(fault, Loss):
            effects.append(Losses(fault, _rng(fault.seed, camera, each.number)))
        elif isinstance(fault, Garbage):
            effects.append(Noise(fault, _rng(fault.seed, camera, each.number)))
        elif isinstance(fault, Slow) and link is None:
            link = Link(fault, _rng(fault.seed, camera, each.number))
    return effects, link


def _rng(seed: int, camera: str, number: int) -> np.random.Generator:
    return np.random.default_rng([seed, crc32(camera.encode()), number])
