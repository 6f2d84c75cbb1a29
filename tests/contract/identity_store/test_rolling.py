"""Changing a site's model: stages, second vectors, and what may not get lost on the way."""

from __future__ import annotations

import json

import numpy as np
import pytest

from services.errors import InputError, LeaseLost
from services.identity.rolling.contract import ModelRef, Roll
from services.types import ModelVectors

OLD, NEW = ModelRef("m" * 64, "shipped"), ModelRef("n" * 64, "/models/new.safetensors")


def vectors(model: ModelRef, seed: int = 1, dim: int = 12) -> ModelVectors:
    rows = np.random.default_rng(seed).normal(size=(3, dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return ModelVectors(model.model_id, rows[0], rows[1:])


def models_of(store) -> dict[str, tuple[str, ...]]:
    return {d.sighting_id: d.model_ids for d in store.scan_described()}


@pytest.fixture
def shadowed(site):
    site.assign(s1="a", s2="a", s3="b")
    site.store.step_roll("start", OLD, NEW, "tester")
    return site


def test_a_site_that_never_changed_its_model_says_so(store):
    assert store.roll() == Roll()
    assert store.roll().kept == ()


def test_the_stages_lead_to_the_new_model_and_back(shadowed):
    store = shadowed.store
    seen = []
    for action in ("switch", "back", "switch", "end", "done"):
        roll = store.roll()
        store.step_roll(action, roll.active, roll.other, "tester")
        roll = store.roll()
        seen.append((roll.stage, roll.active, roll.other))
    assert seen == [
        ("switched", NEW, OLD),
        ("shadow", OLD, NEW),
        ("switched", NEW, OLD),
        ("clearing", NEW, OLD),
        ("none", NEW, None),
    ]
    assert [e.action for e in store.audit_log()] == [
        f"roll_{action}" for action in ("start", "switch", "back", "switch", "end", "done")
    ]
    assert all(len(e.subject) == 12 for e in store.audit_log())
    told = [said for kind, said in shadowed.events() if kind == "model.rolled"]
    assert [said["model_id"] for said in told] == [r.model_id for r in (OLD, NEW, OLD, NEW, NEW, NEW)]
    assert all(said["actor"] == "tester" for said in told)


def test_a_step_made_already_is_made_once(shadowed):
    store = shadowed.store
    first = store.step_roll("switch", OLD, NEW, "tester")
    again = store.step_roll("switch", OLD, NEW, "tester")
    assert first == again
    assert shadowed.kinds().count("model.rolled") == 2


@pytest.mark.parametrize(
    ("action", "before", "other"),
    [
        ("start", OLD, ModelRef("x" * 64, "x")),
        ("switch", NEW, OLD),
        ("switch", OLD, ModelRef("x" * 64, "x")),
        ("done", OLD, NEW),
    ],
)
def test_a_step_from_elsewhere_is_refused_and_says_where_the_site_stands(shadowed, action, before, other):
    before_it = shadowed.events()
    with pytest.raises(InputError, match="stage shadow"):
        shadowed.store.step_roll(action, before, other, "tester")
    assert shadowed.events() == before_it
    assert shadowed.store.roll().stage == "shadow"


def test_one_model_is_no_change(store):
    with pytest.raises(InputError, match="two different models"):
        store.step_roll("start", OLD, OLD, "tester")


def test_second_vectors_stand_beside_and_come_in_front_for_who_asks(shadowed):
    store, new = shadowed.store, vectors(NEW)
    assert store.put_beside("s1", 1, new)
    sighting = store.get_sighting("s1")
    assert sighting.model_id == OLD.model_id
    seen = sighting.seen_by(NEW.model_id)
    assert (seen.model_id, seen.beside.model_id) == (NEW.model_id, OLD.model_id)
    assert np.allclose(seen.embedding, new.embedding, atol=1e-3)
    assert np.allclose(seen.exemplars, new.exemplars, atol=1e-3)
    assert seen.seen_by(OLD.model_id).model_id == OLD.model_id
    assert store.get_sighting("s2").seen_by(NEW.model_id).model_id == OLD.model_id
    assert "sighting.embedded" not in shadowed.kinds()


def test_vectors_of_the_active_model_are_told(shadowed):
    shadowed.store.step_roll("switch", OLD, NEW, "tester")
    assert shadowed.store.put_beside("s1", 1, vectors(NEW))
    assert shadowed.events()[-1] == (
        "sighting.embedded",
        {"sighting_id": "s1", "revision": 1, "model_id": NEW.model_id},
    )


def test_second_vectors_of_no_use_are_not_taken(shadowed):
    store = shadowed.store
    assert store.put_beside("s1", 1, vectors(NEW))
    assert not store.put_beside("s1", 1, vectors(NEW, 2)), "held already"
    assert not store.put_beside("s2", 2, vectors(NEW)), "another revision"
    assert not store.put_beside("nobody", 1, vectors(NEW))
    assert not store.put_beside("s2", 1, vectors(ModelRef("x" * 64, "x"))), "no model of the site's"
    assert models_of(store) == {"s1": (OLD.model_id, NEW.model_id), "s2": (OLD.model_id,), "s3": (OLD.model_id,)}
    with pytest.raises(ValueError, match="finite"):
        store.put_beside("s2", 1, ModelVectors(NEW.model_id, vectors(NEW).embedding, np.full((1, 12), np.nan)))


def test_a_revision_replaces_both(shadowed):
    store = shadowed.store
    store.put_beside("s1", 1, vectors(NEW))
    shadowed.put("s1", 2)
    assert models_of(store)["s1"] == (OLD.model_id,)
    shadowed.put("s1", 3, beside=vectors(NEW, 5))
    assert models_of(store)["s1"] == (OLD.model_id, NEW.model_id)


@pytest.mark.parametrize(("finish", "left"), [(True, NEW), (False, OLD)], ids=["finished", "aborted"])
def test_what_is_cleared_and_what_stays(shadowed, finish, left):
    store = shadowed.store
    store.put_beside("s1", 1, vectors(NEW))
    if finish:
        store.step_roll("switch", OLD, NEW, "tester")
    roll = store.roll()
    store.step_roll("end", roll.active, roll.other, "tester")
    store.settle_vectors(["s1", "s2", "nobody"])
    store.settle_vectors(["s1", "s2"])
    # s2 could not be described by the new model: its only vectors stay, and are compared with nothing.
    assert models_of(store)["s1"] == (left.model_id,)
    assert models_of(store)["s2"] == (OLD.model_id,)
    assert {s.sighting_id: i for s, i in store.scan_sightings()} == {"s1": "a", "s2": "a", "s3": "b"}


def test_a_late_writer_cannot_bring_back_a_model_that_is_gone(shadowed):
    store = shadowed.store
    for action in ("switch", "end"):
        roll = store.roll()
        store.step_roll(action, roll.active, roll.other, "tester")
    shadowed.put("late-1", beside=vectors(NEW))
    shadowed.put("late-2", model_id=NEW.model_id, beside=vectors(OLD))
    shadowed.put("late-3")
    found = models_of(store)
    assert found["late-1"] == found["late-2"] == (NEW.model_id,)
    assert found["late-3"] == (OLD.model_id,)
    assert store.put_beside("late-3", 1, vectors(NEW))
    assert models_of(store)["late-3"] == (NEW.model_id,)


def test_a_switch_ends_the_token_of_who_decides_and_loses_no_identity(shadowed):
    store = shadowed.store
    before = {i.identity_id: i for i in store.list_identities()}
    store.step_roll("switch", OLD, NEW, "tester")
    with pytest.raises(LeaseLost):
        shadowed.commit(shadowed.decide("s3", "a"))
    assert {i.identity_id: i for i in store.list_identities()} == before


def test_camera_means_go_with_their_model_and_links_stay(shadowed):
    store = shadowed.store
    learned = {"mean/north": "old", "link/north/south": "60 s"}
    shadowed.commit(links=learned)
    store.step_roll("switch", OLD, NEW, "tester")
    assert store.links() == {"link/north/south": "60 s"}
    shadowed.associator = store.acquire_lease("associator", "tester", 600)
    shadowed.commit(links={"mean/north": "new", "link/north/south": "61 s"})
    store.step_roll("back", NEW, OLD, "tester")
    assert store.links() == {"mean/north": "old", "link/north/south": "61 s"}
    store.step_roll("switch", OLD, NEW, "tester")
    assert store.links() == {"mean/north": "new", "link/north/south": "61 s"}


def test_the_scan_tells_pictures_and_owners_newest_first(shadowed):
    found = list(shadowed.store.scan_described())
    assert [d.sighting_id for d in found] == ["s3", "s2", "s1"]
    assert [d.identity_id for d in found] == ["b", "a", "a"]
    assert found[0].crop_keys == ("a.jpg", "b.jpg")
    assert found[0].revision == 1


def test_the_bytes_to_prove_gone_hold_both_models(shadowed):
    new = vectors(NEW)
    shadowed.store.put_beside("s1", 1, new)
    found = shadowed.store.vector_bytes(["s1"])
    assert len(found) == 6
    assert found[3] == new.embedding.astype("<f2").tobytes()


def test_processes_say_what_they_have_open(store):
    store.say_open("matcher:a", ["m1", "m2"])
    store.say_open("ingest:b", ["m1"])
    assert [(o.name, o.model_ids) for o in store.openers()] == [("ingest:b", ("m1",)), ("matcher:a", ("m1", "m2"))]
    assert all(abs(o.said_at_ns - store.now_ns()) < 60 * 10**9 for o in store.openers())
    store.say_open("ingest:b", [])
    assert [o.name for o in store.openers()] == ["matcher:a"]


def test_events_of_a_roll_are_plain(shadowed):
    for event in shadowed.store.read_events("0-0", 100, 0):
        json.dumps(dict(event.payload))
