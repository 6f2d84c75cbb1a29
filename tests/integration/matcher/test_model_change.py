"""A matcher under calls while its site changes to a model of another length: nobody gets a wrong answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from reid.types import Calibration, EmbedderSpec
from services.client import MatcherClient, Probe, SearchOptions
from services.crops import CropStore
from services.errors import ModelMismatch
from services.identity.memory_store import MemoryStore
from services.identity.rolling.contract import ModelRef
from services.matcher.build import Places, Rolling, build_matcher
from services.matcher.settings import MatcherSettings
from services.matcher.types import ImageMode
from services.rolling.reembed import Reembedder
from services.rolling.roster import ModelKeeper, ModelRoster
from services.types import ModelVectors
from tests.integration.matcher.conftest import City, ColourDetector, ColourEmbedder

RED, GREEN, BLUE = (0, 0, 250), (0, 250, 0), (250, 0, 0)
OLD, NEW = ModelRef("m" * 64, "old"), ModelRef("n" * 64, "new")


class LongerEmbedder(ColourEmbedder):
    """Another model: the colours turned round, in vectors of four numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = EmbedderSpec(NEW.model_id, 4, (144, 144), Calibration(slope=20.0, offset=-10.0))

    def embed(self, crops):
        vectors = super().embed(crops)[:, ::-1]
        return np.concatenate([np.zeros((len(crops), 1), np.float32), vectors], axis=1)


class RollCity(City):
    """A city whose matcher follows its model."""

    roster: ModelRoster

    def see(self, sighting_id, bgr, **more) -> str:
        """As both models describe it, by the one that is active now."""
        position = super().see(sighting_id, bgr, model_id=OLD.model_id, **more)
        crop = np.full((2, 2, 3), bgr, np.uint8)
        vector = LongerEmbedder().embed([crop])[0]
        assert self.store.put_beside(sighting_id, 1, ModelVectors(NEW.model_id, vector, np.zeros((0, 4), np.float32)))
        return position

    def step(self, action: str) -> str:
        roll = self.store.roll()
        before, other = roll.active or OLD, roll.other or NEW
        return self.store.step_roll(action, before, other, "test")


@pytest.fixture
def city(wait_until, tmp_path) -> Iterator[RollCity]:
    old = ColourEmbedder()
    old.spec = replace(old.spec, model_id=OLD.model_id)
    store, roster = MemoryStore(), ModelRoster(old, "old", lambda name: LongerEmbedder())
    crops = CropStore(str(tmp_path / "crops"))
    loops = {
        "models": ModelKeeper(store, roster, "test"),
        "reembed": Reembedder(store, crops, roster, 10_000, "test"),
    }
    matcher = build_matcher(
        store,
        ColourDetector(),
        old,
        MatcherSettings(listen="127.0.0.1:0", drain_s=1),
        places=Places(crops, tmp_path / "gallery"),
        rolling=Rolling(roster, loops),
    )
    matcher.start()
    made = RollCity(store, matcher, MatcherClient(matcher.address, timeout_s=20), old)
    made.roster = roster
    wait_until(made.client.serving)
    made.step("start")
    for number, (name, bgr) in enumerate({"red": RED, "green": GREEN, "blue": BLUE}.items()):
        made.see(f"{name}-1", bgr, at_s=10 * number)
        made.decide(f"{name}-1", f"id-{name}")
    made.settle()
    yield made
    made.client.close()
    matcher.stop()


def asked(city: City, picture: Callable[..., bytes], bgr) -> str:
    return city.client.search_image(picture(bgr), SearchOptions(k=1)).matches[0].sighting_id


def test_who_asks_meanwhile_gets_the_right_answer_every_time(city, picture, wait_until):
    stop, wrong, answered = threading.Event(), [], []

    def ask(name: str, bgr) -> None:
        while not stop.is_set():
            try:
                found = asked(city, picture, bgr)
            except Exception as exc:  # what went wrong is judged below
                wrong.append(exc)
                return
            answered.append(city.matcher.gallery.model_id)
            if found != f"{name}-1":
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=pair) for pair in (("red", RED), ("green", GREEN), ("blue", BLUE))]
    for thread in threads:
        thread.start()
    for action, model in (("switch", NEW), ("back", OLD), ("switch", NEW)):
        city.step(action)
        wait_until(lambda model=model: city.matcher.gallery.model_id == model.model_id)
        seen = len(answered)
        wait_until(lambda seen=seen: len(answered) > seen + 5)
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert city.matcher.gallery.dim == 4


def test_a_standing_query_by_picture_goes_on_and_one_by_vector_ends(city, picture, wait_until):
    start = city.store.last_event_id()
    vector = city.embedder.embed([np.full((2, 2, 3), RED, np.uint8)])[0]
    told: list[str] = []
    ended: list[Exception] = []

    def by_picture() -> None:
        with MatcherClient(city.matcher.address, timeout_s=20) as client:
            for decided, match, _ in client.watch([Probe(image=picture(RED), mode=ImageMode.LARGEST)], after=start):
                if decided:
                    told.append(match.sighting_id)
                    if len(told) == 2:
                        return

    def by_vector() -> None:
        with MatcherClient(city.matcher.address, timeout_s=20) as client:
            try:
                list(client.watch([Probe(embedding=tuple(vector.tolist()))], after=start))
            except ModelMismatch as exc:
                ended.append(exc)

    threads = [threading.Thread(target=work) for work in (by_picture, by_vector)]
    for thread in threads:
        thread.start()
    city.see("red-2", RED, at_s=100)
    city.decide("red-2", "id-red")
    wait_until(lambda: told == ["red-2"])
    city.step("switch")
    wait_until(lambda: city.matcher.gallery.model_id == NEW.model_id)
    city.see("green-2", GREEN, at_s=110)
    city.decide("green-2", "id-green")
    city.see("red-3", RED, at_s=120)
    city.decide("red-3", "id-red")
    for thread in threads:
        thread.join(20)
    assert told == ["red-2", "red-3"]
    assert len(ended) == 1


def test_what_is_enrolled_meanwhile_is_described_by_both(city, picture, wait_until):
    enrolled = city.client.gallery_enroll([picture((0, 250, 250))])

    def models() -> set[str]:
        return {m for d in city.store.scan_described() if d.sighting_id == enrolled.sighting_id for m in d.model_ids}

    wait_until(lambda: models() == {OLD.model_id, NEW.model_id})
    city.step("switch")
    wait_until(lambda: city.matcher.gallery.model_id == NEW.model_id)
    assert asked(city, picture, (0, 250, 250)) == enrolled.sighting_id


def test_an_export_of_the_former_model_is_not_taken(city, wait_until):
    chunks = list(city.client.gallery_export())
    assert {chunk.model_id for chunk in chunks} == {OLD.model_id}
    city.step("switch")
    wait_until(lambda: city.matcher.gallery.model_id == NEW.model_id)
    with pytest.raises(ModelMismatch):
        city.client.gallery_import(chunks)
    assert {chunk.model_id for chunk in city.client.gallery_export()} == {NEW.model_id}
