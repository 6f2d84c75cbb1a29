"""What a store must offer so that a site can change its model: the stages, second vectors, who has what open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from services.errors import InputError
from services.types import ModelVectors

#: none: one model. shadow: a second one describes everything beside it. switched: the second is the active one, the
#: former still describes everything, so that there is a way back. clearing: vectors of the other model are removed.
Stage = Literal["none", "shadow", "switched", "clearing"]
#: "end" leaves whichever model is not active, "done" says that nothing of it is left.
Action = Literal["start", "switch", "back", "end", "done"]

#: From which stages each step is made. Ended before the switch a change is given up, after it finished.
STARTS_FROM: dict[Action, tuple[Stage, ...]] = {
    "start": ("none",),
    "switch": ("shadow",),
    "back": ("switched",),
    "end": ("shadow", "switched"),
    "done": ("clearing",),
}


#: A process that said nothing for so long is forgotten.
FORGET_OPENER_NS = 3600 * 10**9


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model of a site: its id, and its name or file as the model store takes it."""

    model_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Roll:
    """Where a site stands in changing its model.

    Attributes:
        stage: See ``Stage``.
        active: The model whose vectors are compared; None until the first change, when the configuration says it.
        other: The second model; None in stage none.
        started_at_ns: When the change was begun, by the store's clock; 0 for never.
        changed_at_ns: When the stage was entered; 0 for never.
    """

    stage: Stage = "none"
    active: ModelRef | None = None
    other: ModelRef | None = None
    started_at_ns: int = 0
    changed_at_ns: int = 0

    @property
    def kept(self) -> tuple[ModelRef, ...]:
        """The models whose vectors sightings should have, the active one first."""
        both = (self.active, self.other if self.stage in ("shadow", "switched") else None)
        return tuple(ref for ref in both if ref is not None)


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of a sighting's vectors and pictures, without reading any.

    Attributes:
        sighting_id: The sighting.
        revision: Stored.
        model_ids: Models that describe it, its own first.
        crop_keys: Its pictures.
        identity_id: Whose it is, as assigned; empty where nothing was decided.
    """

    sighting_id: str
    revision: int
    model_ids: tuple[str, ...]
    crop_keys: tuple[str, ...]
    identity_id: str = ""


@dataclass(frozen=True, slots=True)
class Opener:
    """A process that has networks open, and when it said so by the store's clock."""

    name: str
    model_ids: tuple[str, ...]
    said_at_ns: int


class RollingStore(Protocol):
    """The part of the identity store that knows models. Every method raises StoreUnavailable when nobody answers."""

    def roll(self) -> Roll:
        """Where the site stands."""
        ...

    def step_roll(self, action: Action, before: ModelRef, other: ModelRef, actor: str) -> str:
        """Makes one step, atomically, audited, with a ``model.rolled`` event; returns the log position.

        Who asks says which model is active before the step and which is the other, so that nobody acts on what has
        changed meanwhile; a step that was made already changes nothing. ``switch`` and ``back`` end the associator's
        token and set aside what it has learned of camera means with the one model, bringing back what it had learned
        with the other.

        Raises:
            InputError: The site stands elsewhere; the message says where.
        """
        ...

    def put_beside(self, sighting_id: str, revision: int, vectors: ModelVectors) -> bool:
        """Adds what a model of the site makes of a stored revision; False where that is no use any more.

        Vectors of the active model are told in a ``sighting.embedded`` event, because views can use them.
        """
        ...

    def settle_vectors(self, sighting_ids: Sequence[str]) -> None:
        """Takes vectors of models that the site no longer has out of these; a sighting's only vectors stay."""
        ...

    def scan_described(self) -> Iterator[Described]:
        """What describes each sighting, newest first as far as nothing changes meanwhile."""
        ...

    def say_open(self, name: str, model_ids: Sequence[str]) -> None:
        """A process says which networks it has open; no ids for one that ends. Who was silent for long is forgotten."""
        ...

    def openers(self) -> list[Opener]:
        """Processes that have said so, by name."""
        ...


def refusal(action: Action, roll: Roll) -> InputError:
    """Why a step cannot be made where the site stands."""
    active = "none yet" if roll.active is None else f"{roll.active.name} ({roll.active.model_id[:12]})"
    other = "" if roll.other is None else f", the other {roll.other.name} ({roll.other.model_id[:12]})"
    return InputError(f"roll {action}: the site is in stage {roll.stage}; its model is {active}{other}")


def check_step(action: Action, before: ModelRef, other: ModelRef) -> None:
    """Refuses a step that names one model twice or none.

    Raises:
        InputError: It does.
    """
    if not before.model_id or not other.model_id or before.model_id == other.model_id:
        raise InputError(f"roll {action}: needs two different models, got {before.name} and {other.name}")
