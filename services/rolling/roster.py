"""The embedders that a process has open, kept in step with the site's. Describes nothing and changes no stage."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from reid.types import Embedder
from services.errors import ModelFileError, StoreUnavailable
from services.identity.rolling.contract import ModelRef, Roll, RollingStore

log = logging.getLogger(__name__)

Opener = Callable[[str], Embedder]

_LOOK_EVERY_S = 1.0
_SAY_EVERY_S = 5.0
#: A model that cannot be opened is tried again after so long.
_AGAIN_S = 30.0
#: Models that are neither active nor the other and stay open all the same: whoever is about to move on may use them.
_SPARE = 1


@dataclass(frozen=True, slots=True)
class OpenModels:
    """What a process describes vehicles with: the active model, and while that is changed a second one."""

    active: Embedder
    other: Embedder | None = None

    @property
    def each(self) -> tuple[Embedder, ...]:
        """The active one, then the other where there is one."""
        return (self.active,) if self.other is None else (self.active, self.other)


class ModelRoster:
    """Opens the models that a site names. Safe for threads.

    Args:
        first: Open already; the site's while it has never changed its model.
        name: Of that one, as the model store takes it.
        opener: Opens another by name, or raises ModelFileError.
    """

    def __init__(self, first: Embedder, name: str, opener: Opener) -> None:
        self.configured = ModelRef(first.spec.model_id, name)
        self._opener = opener
        self._opening = threading.Lock()
        self._known: dict[str, Embedder] = {first.spec.model_id: first}
        self._failed_s: dict[str, float] = {}
        self._now = OpenModels(first)

    def now(self) -> OpenModels:
        """What to describe vehicles with; returns at once."""
        return self._now

    def of(self, model_id: str) -> Embedder | None:
        """The embedder of a model, None where it is not open here."""
        return self._known.get(model_id)

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Models that are open."""
        return tuple(self._known)

    def refresh(self, roll: Roll) -> OpenModels:
        """Opens what the site names and is not open yet.

        The other model is done without where it cannot be opened: sightings get its vectors from their pictures later.

        Raises:
            ModelFileError: The active model cannot be opened; what was open stays so.
        """
        with self._opening:
            if roll.active is None:
                return self._now
            active = self._open(roll.active)
            other = None
            if len(roll.kept) > 1:
                other = self._open_or_log(roll.kept[1])
            self._now = OpenModels(active, other)
            self._forget({ref.model_id for ref in roll.kept})
            return self._now

    def _open(self, ref: ModelRef) -> Embedder:
        known = self._known.get(ref.model_id)
        if known is not None:
            return known
        opened = self._opener(ref.name)
        if opened.spec.model_id != ref.model_id:
            raise ModelFileError(
                f"{ref.name} is model {opened.spec.model_id[:12]} on this machine, the site's is {ref.model_id[:12]}"
            )
        self._known = self._known | {ref.model_id: opened}
        return opened

    def _open_or_log(self, ref: ModelRef) -> Embedder | None:
        if time.monotonic() < self._failed_s.get(ref.model_id, 0.0):
            return None
        try:
            return self._open(ref)
        except ModelFileError as exc:
            log.warning("going on without the second model: %s", exc)
            self._failed_s[ref.model_id] = time.monotonic() + _AGAIN_S
            return None

    def _forget(self, named: set[str]) -> None:
        spare = [model_id for model_id in self._known if model_id not in named]
        gone = set(spare[: max(0, len(spare) - _SPARE)])
        if gone:
            self._known = {model_id: embedder for model_id, embedder in self._known.items() if model_id not in gone}


def site_name(name: str) -> str:
    """A model as a site names it: in the manifest, or a file by its absolute path."""
    return str(Path(name).resolve()) if name.endswith(".safetensors") else name


def open_roster(store: RollingStore, configured: str, opener: Opener) -> ModelRoster:
    """A roster that begins with the site's model, or with the configured one where the site has none or is away.

    Raises:
        ModelFileError: That model cannot be opened.
    """
    try:
        roll = store.roll()
    except StoreUnavailable as exc:
        log.warning("the store is away, the configured model serves until it is back: %s", exc)
        roll = Roll()
    if roll.active is None:
        return ModelRoster(opener(configured), configured, opener)
    if roll.active.name != site_name(configured):
        log.warning("reid.model says %s; the site was rolled over to %s, which serves", configured, roll.active.name)
    roster = ModelRoster(opener(roll.active.name), roll.active.name, opener)
    roster.refresh(roll)
    return roster


class ModelKeeper:
    """A loop that keeps a roster in step with the site and says what is open.

    Args:
        store: Asked for the stage.
        roster: Kept.
        name: Of this process, for who looks whether everybody is ready to switch.
    """

    def __init__(self, store: RollingStore, roster: ModelRoster, name: str) -> None:
        self._store = store
        self._roster = roster
        self._name = name
        self._said: Sequence[str] = ()
        self._said_s = 0.0
        self._complaint = ""

    def run(self, stop: threading.Event) -> None:
        """Looks until told to stop."""
        while not stop.is_set():
            self.look()
            stop.wait(_LOOK_EVERY_S)
        try:
            self._store.say_open(self._name, ())
        except StoreUnavailable:
            log.debug("the store is away; what was open here counts as stale soon")

    def look(self) -> None:
        """Once. A store that is away and a model that cannot be opened are waited for."""
        try:
            self._roster.refresh(self._store.roll())
            self._complaint = ""
        except StoreUnavailable:
            return
        except (ModelFileError, OSError) as exc:  # OSError: the disk of the model cache is full, or read-only
            if str(exc) != self._complaint:
                log.error("the site's model cannot be opened: %s", exc)
            self._complaint = str(exc)
        self._say()

    def _say(self) -> None:
        ids, now_s = self._roster.model_ids, time.monotonic()
        if ids == self._said and now_s - self._said_s < _SAY_EVERY_S:
            return
        try:
            self._store.say_open(self._name, ids)
        except StoreUnavailable:
            return
        self._said, self._said_s = ids, now_s
