"""Owns the kinds of faults as a script writes them, and when each holds; never touches a stream.

Fault
├── Drop          clients are cut, newcomers turned away
├── Stall         the connection lives, nothing is sent
├── Garbage       bytes are replaced by noise
├── Resolution    the picture changes its size
├── Password      other credentials are asked for
├── Slow          a narrow or long link
├── Loss          packets vanish or swap places
└── Restart       all state is lost; with camera "*" the port closes too
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

#: The camera of a fault that befalls all of them.
EVERY_CAMERA = "*"

Share = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Field(ge=16, le=8192, multiple_of=2)]


class Fault(BaseModel):
    """What all faults have: whom they befall and when, in seconds since t0."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    kind: str
    camera: str = Field(default=EVERY_CAMERA, min_length=1, description="Id, or a pattern such as * or north*.")
    at_s: float = Field(default=0.0, description="When it begins, seconds since t0.")
    for_s: float | None = Field(default=None, gt=0, description="How long it holds; without it, to the end.")
    repeat_every_s: float | None = Field(default=None, gt=0, description="From one beginning to the next.")
    times: int | None = Field(default=None, ge=1, description="How often in all; without it, without end.")

    @model_validator(mode="after")
    def _check_repetition(self) -> Fault:
        if self.repeat_every_s is None and self.times is not None:
            raise ValueError("times needs repeat_every_s")
        if self.repeat_every_s is not None and (self.for_s is None or self.for_s > self.repeat_every_s):
            raise ValueError("repeat_every_s needs for_s, and must not be shorter")
        return self

    def cuts_clients(self, *, begins: bool) -> bool:
        """Whether every client of the camera loses its connection when this begins, or ends."""
        return False

    def summary(self) -> str:
        """What is wrong, for the log."""
        return ""

    def window(self, t_s: float) -> int | None:
        """The number of the repetition (from 0) that holds at a time; None when none does.

        >>> fault = Stall(at_s=10, for_s=2, repeat_every_s=5, times=2)
        >>> [fault.window(t_s) for t_s in (9.9, 10, 11.9, 12, 15, 20)]
        [None, 0, 0, None, 1, None]
        """
        for number in self._near(t_s):
            if self.begins_s(number) <= t_s < self.ends_s(number):
                return number
        return None

    def next_edge_s(self, t_s: float) -> float | None:
        """The first beginning or end after a time; None when nothing changes any more."""
        edges = [edge for k in self._near(t_s) for edge in (self.begins_s(k), self.ends_s(k))]
        later = [edge for edge in edges if t_s < edge < math.inf]
        return min(later) if later else None

    def begins_s(self, number: int) -> float:
        """When a repetition begins."""
        return self.at_s + number * (self.repeat_every_s or 0.0)

    def ends_s(self, number: int) -> float:
        """When a repetition ends; infinity where it never does."""
        return math.inf if self.for_s is None else self.begins_s(number) + self.for_s

    def _near(self, t_s: float) -> range:
        """The repetitions around a time."""
        if self.repeat_every_s is None:
            return range(1)
        here = max(math.floor((t_s - self.at_s) / self.repeat_every_s), 0)
        # One on either side: the division may round across an edge.
        stop = here + 2 if self.times is None else min(here + 2, self.times)
        return range(max(here - 1, 0), stop)


class Drop(Fault):
    """Clients are cut without a word; newcomers are turned away until it is over."""

    kind: Literal["drop"] = "drop"
    how: Literal["reset", "refuse", "missing", "silent"] = Field(
        default="reset", description="Newcomers get a TCP reset, 503, 404; silent: nobody is cut, nobody is answered."
    )

    def cuts_clients(self, *, begins: bool) -> bool:
        """At its beginning, unless it is silent."""
        return begins and self.how != "silent"

    def summary(self) -> str:
        """How newcomers are treated."""
        return self.how


class Stall(Fault):
    """The connection lives and requests are answered, but nothing is sent; goes on live, at a keyframe."""

    kind: Literal["stall"] = "stall"


class Garbage(Fault):
    """Random bytes take the place of media."""

    kind: Literal["garbage"] = "garbage"
    share: Share = Field(default=1.0, description="Of the packets.")
    where: Literal["payload", "framing"] = Field(
        default="payload", description="payload keeps RTP headers; framing replaces them and the interleaved framing."
    )
    seed: int = Field(default=0, ge=0, description="Settles which packets and bytes.")

    def summary(self) -> str:
        """How much of what."""
        return f"{self.share:.0%} of {self.where}"


class Resolution(Fault):
    """The picture has another size."""

    kind: Literal["resolution"] = "resolution"
    scale: float | None = Field(
        default=None, gt=0, le=4, description="Of width and height; 0.5 where nothing is given."
    )
    size: tuple[Pixels, Pixels] | None = Field(default=None, description="Width and height in px, even.")
    clip: Path | None = Field(default=None, description="A file with H.264 at the same frame rate.")
    announce: Literal["in_band", "reconnect"] = Field(
        default="in_band",
        description="in_band: clients stay and get new parameter sets; reconnect: they are cut and find a new SDP.",
    )

    @model_validator(mode="after")
    def _check_one(self) -> Resolution:
        if sum(given is not None for given in (self.scale, self.size, self.clip)) > 1:
            raise ValueError("give one of scale, size and clip")
        return self

    def size_of(self, width: int, height: int) -> tuple[int, int]:
        """Width and height in px, even, for a camera of the given size."""
        if self.size is not None:
            return self.size
        scale = 0.5 if self.scale is None else self.scale
        return max(round(width * scale / 2) * 2, 16), max(round(height * scale / 2) * 2, 16)

    def cuts_clients(self, *, begins: bool) -> bool:
        """Both times, where the change is told by a new description."""
        return self.announce == "reconnect"

    def summary(self) -> str:
        """What it changes to."""
        if self.clip is not None:
            return f"{self.clip.name}, {self.announce}"
        size = f"{self.size[0]}x{self.size[1]}" if self.size else f"x{0.5 if self.scale is None else self.scale:g}"
        return f"{size}, {self.announce}"


class Password(Fault):
    """Other credentials are asked for; who is connected is cut when they change, and when they change back."""

    kind: Literal["password"] = "password"
    user: str = Field(default="city", min_length=1)
    password: SecretStr | None = Field(default=None, description="Without one, nobody knows it.")

    def cuts_clients(self, *, begins: bool) -> bool:
        """Both times."""
        return True


class Slow(Fault):
    """A narrow or long link between camera and client."""

    kind: Literal["slow"] = "slow"
    kbit_s: float | None = Field(default=None, gt=0, description="Media passes no faster, per client.")
    latency_s: float = Field(default=0.0, ge=0, le=60)
    jitter_s: float = Field(default=0.0, ge=0, le=60, description="Up to this much more, drawn for each packet.")
    buffer_s: float = Field(default=2.0, gt=0, le=60, description="What may wait; beyond it pictures are lost.")
    seed: int = Field(default=0, ge=0, description="Settles the jitter.")

    @model_validator(mode="after")
    def _check_slow(self) -> Slow:
        if self.kbit_s is None and self.latency_s == 0 and self.jitter_s == 0:
            raise ValueError("give kbit_s, latency_s or jitter_s")
        return self

    def summary(self) -> str:
        """What the link does."""
        rate = "" if self.kbit_s is None else f"{self.kbit_s:g} kbit/s "
        late = f"{self.latency_s:g} s + {self.jitter_s:g} s" if self.latency_s or self.jitter_s else ""
        return f"{rate}{late}".strip()


class Loss(Fault):
    """Media packets vanish, or swap places with the next."""

    kind: Literal["loss"] = "loss"
    share: Share = Field(default=0.02, description="Of the packets, lost.")
    reorder: Share = Field(default=0.0, description="Of the packets, sent after their successor.")
    seed: int = Field(default=0, ge=0, description="Settles which.")

    def summary(self) -> str:
        """How much."""
        return f"{self.share:.1%} lost" + (f", {self.reorder:.1%} swapped" if self.reorder else "")


class Restart(Fault):
    """Clients are cut, newcomers reset, all sessions forgotten; with camera ``*`` the port itself is closed."""

    kind: Literal["restart"] = "restart"
    for_s: float | None = Field(default=5.0, gt=0)

    @model_validator(mode="after")
    def _check_end(self) -> Restart:
        if self.for_s is None:
            raise ValueError("for_s is needed: a restart comes back")
        return self

    @property
    def closes_port(self) -> bool:
        """Whether the whole server is gone, not one camera."""
        return self.camera == EVERY_CAMERA

    def cuts_clients(self, *, begins: bool) -> bool:
        """At its beginning."""
        return begins

    def summary(self) -> str:
        """How far it reaches."""
        return "port closed" if self.closes_port else ""


AnyFault = Annotated[
    Drop | Stall | Garbage | Resolution | Password | Slow | Loss | Restart, Field(discriminator="kind")
]
KINDS: dict[str, type[Fault]] = {
    "drop": Drop,
    "stall": Stall,
    "garbage": Garbage,
    "resolution": Resolution,
    "password": Password,
    "slow": Slow,
    "loss": Loss,
    "restart": Restart,
}
