"""Which networks a process has open while its site changes its model."""

from __future__ import annotations

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.errors import ModelFileError, StoreUnavailable
from services.identity.memory_store import MemoryStore
from services.identity.rolling.contract import ModelRef, Roll
from services.rolling.progress import unready
from services.rolling.roster import ModelKeeper, ModelRoster, open_roster

OLD, NEW, NEXT = (ModelRef(letter * 64, letter) for letter in "onx")


class Named:
    def __init__(self, name: str) -> None:
        self.spec = EmbedderSpec(name * 64, 4, (8, 8), Calibration(20.0, -10.0))

    def embed(self, crops):
        return np.ones((len(crops), 4), np.float32) / 2


class Shelf:
    """Opens what is not broken and counts."""

    def __init__(self, *broken: str) -> None:
        self.broken = set(broken)
        self.opened: list[str] = []

    def __call__(self, name: str) -> Named:
        self.opened.append(name)
        if name in self.broken:
            raise ModelFileError(f"no model file at {name}")
        return Named(name)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def roster_of(shelf: Shelf) -> ModelRoster:
    return ModelRoster(Named("o"), "o", shelf)


def ids(models) -> list[str]:
    return [embedder.spec.model_id[0] for embedder in models.each]


def test_a_roster_follows_a_change_and_opens_each_model_once(shelf):
    roster = roster_of(shelf)
    assert ids(roster.refresh(Roll())) == ["o"]
    assert ids(roster.refresh(Roll("shadow", OLD, NEW))) == ["o", "n"]
    assert ids(roster.refresh(Roll("switched", NEW, OLD))) == ["n", "o"]
    assert ids(roster.refresh(Roll("clearing", NEW, OLD))) == ["n"]
    assert ids(roster.refresh(Roll("none", NEW))) == ["n"]
    assert shelf.opened == ["n"]
    assert roster.of(OLD.model_id) is not None, "who has not moved on yet may still ask"
    roster.refresh(Roll("shadow", NEW, NEXT))
    roster.refresh(Roll("none", NEXT))
    assert roster.of(OLD.model_id) is None


def test_without_the_second_model_the_first_goes_on(shelf):
    shelf.broken.add("n")
    roster = roster_of(shelf)
    for _ in range(3):
        assert ids(roster.refresh(Roll("shadow", OLD, NEW))) == ["o"]
    assert shelf.opened == ["n"], "it is not tried at every look"


def test_an_active_model_that_cannot_be_opened_is_an_error_and_changes_nothing(shelf):
    shelf.broken.add("n")
    roster = roster_of(shelf)
    with pytest.raises(ModelFileError):
        roster.refresh(Roll("switched", NEW, OLD))
    assert ids(roster.now()) == ["o"]


def test_a_file_that_became_another_model_is_not_taken_for_the_sites(shelf):
    roster = roster_of(shelf)
    with pytest.raises(ModelFileError, match="on this machine"):
        roster.refresh(Roll("none", ModelRef("z" * 64, "n")))


def test_a_process_starts_with_the_sites_model_whatever_is_configured(shelf, caplog):
    store = MemoryStore()
    store.step_roll("start", OLD, NEW, "t")
    store.step_roll("switch", OLD, NEW, "t")
    roster = open_roster(store, "o", shelf)
    assert ids(roster.now()) == ["n", "o"]
    assert "rolled over to n" in caplog.text


def test_a_process_starts_without_a_store(shelf):
    class Away(MemoryStore):
        def roll(self) -> Roll:
            raise StoreUnavailable("away")

    assert ids(open_roster(Away(), "o", shelf).now()) == ["o"]


def test_the_keeper_tells_who_is_ready(shelf):
    store = MemoryStore()
    roster = roster_of(shelf)
    keeper = ModelKeeper(store, roster, "ingest:1")
    keeper.look()
    store.step_roll("start", OLD, NEW, "t")
    assert unready(store.openers(), store.roll(), store.now_ns()) == ["ingest:1"]
    keeper.look()
    assert unready(store.openers(), store.roll(), store.now_ns()) == []
    assert unready(store.openers(), Roll("shadow", OLD, NEXT), store.now_ns() + 60 * 10**9) == [], "long silent"


def test_a_full_disk_does_not_end_the_keeper(shelf, monkeypatch, caplog):
    store = MemoryStore()
    roster = roster_of(shelf)
    keeper = ModelKeeper(store, roster, "ingest:1")

    def full(_roll):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(roster, "refresh", full)
        keeper.look()
    assert "cannot be opened" in caplog.text
    store.step_roll("start", OLD, NEW, "t")
    keeper.look()
    assert unready(store.openers(), store.roll(), store.now_ns()) == []
