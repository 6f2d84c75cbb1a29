"""Any order of writing, describing, stepping and clearing: nobody is lost, and no model that is gone comes back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from services.errors import InputError
from services.identity.memory_store import MemoryStore
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.rolling.contract import ModelRef
from services.identity.settings import RedisSettings
from services.types import ModelVectors
from tests.contract.identity_store.conftest import Site

MODELS = tuple(ModelRef(letter * 64, letter) for letter in "abc")
LEADS_TO = {"start": "shadow", "switch": "switched", "back": "shadow", "end": "clearing", "done": "none"}
A_MODEL = st.sampled_from(MODELS)
NAMES = st.sampled_from([f"s{n}" for n in range(5)])


def vectors(model: ModelRef) -> ModelVectors:
    embedding = np.zeros(8, np.float32)
    embedding[MODELS.index(model)] = 1
    return ModelVectors(model.model_id, embedding, embedding[None])


class Rolling(RuleBasedStateMachine):
    """One site; subclasses say which store it has and how sightings and decisions are made."""

    @initialize()
    def begin(self) -> None:
        self.site = self.new_site()
        self.store = self.site.store
        self.owners: dict[str, str] = {}
        self.revisions: dict[str, int] = {}

    @rule(name=NAMES, own=A_MODEL, beside=st.none() | A_MODEL)
    def put(self, name, own, beside) -> None:
        """A writer that may know any state of affairs, the newest or one long past."""
        revision = self.revisions[name] = self.revisions.get(name, 0) + 1
        mine = vectors(own)
        sighting = self.site.make_sighting(
            name,
            revision,
            model_id=own.model_id,
            embedding=mine.embedding,
            exemplars=mine.exemplars,
            beside=None if beside in (None, own) else vectors(beside),
        )
        self.store.put_sighting(sighting, self.site.ingest)
        self.site.associator = self.store.acquire_lease("associator", "tester", 600)
        self.site.commit(self.site.decide(name, f"of-{name}", revision))
        self.owners[name] = f"of-{name}"

    @rule(name=NAMES, model=A_MODEL)
    def describe(self, name, model) -> None:
        roll = self.store.roll()
        wanted = model in roll.kept and name in self.revisions and model.model_id not in self.models().get(name, ())
        assert self.store.put_beside(name, self.revisions.get(name, 1), vectors(model)) == wanted

    @rule(action=st.sampled_from(("start", "switch", "back", "end", "done")), other=A_MODEL)
    def step(self, action, other) -> None:
        """A step that is due, or was just made, is made; any other is refused and changes nothing."""
        roll = self.store.roll()
        before, second = roll.active or MODELS[0], roll.other or other
        if action == "done" and roll.stage == "clearing":
            self.store.settle_vectors(list(self.revisions))
        try:
            self.store.step_roll(action, before, second, "tester")
        except InputError:
            assert self.store.roll() == roll
        else:
            assert self.store.roll().stage == LEADS_TO[action]

    @rule()
    def half_cleared(self) -> None:
        self.store.settle_vectors(sorted(self.revisions)[: len(self.revisions) // 2])

    def models(self) -> dict[str, tuple[str, ...]]:
        return {d.sighting_id: d.model_ids for d in self.store.scan_described()}

    @invariant()
    def nobody_is_lost(self) -> None:
        if hasattr(self, "store"):
            assert {s.sighting_id: i for s, i in self.store.scan_sightings()} == self.owners

    @invariant()
    def vectors_are_of_the_model_that_they_claim(self) -> None:
        if hasattr(self, "store"):
            for sighting, _ in self.store.scan_sightings():
                for held in (sighting.vectors, sighting.beside):
                    if held is not None:
                        want = vectors(next(m for m in MODELS if m.model_id == held.model_id))
                        assert np.allclose(held.embedding, want.embedding)
                        assert np.allclose(held.exemplars, want.exemplars)

    @invariant()
    def after_a_change_one_model_is_left(self) -> None:
        if hasattr(self, "store") and self.store.roll().active is not None and self.store.roll().stage == "none":
            assert all(len(models) == 1 for models in self.models().values())


_sites = itertools.count()


@pytest.mark.parametrize("kind", ["memory", "redis"])
def test_no_order_of_steps_loses_anybody(kind, request, make_sighting, decide):
    def new_site() -> Site:
        if kind == "memory":
            return Site(MemoryStore(), make_sighting, decide)
        client = connect(request.getfixturevalue("server").url, RedisSettings())
        return Site(RedisStore(client, f"rolling-{next(_sites)}"), make_sighting, decide)

    run_state_machine_as_test(
        type("RollingOverStore", (Rolling,), {"new_site": staticmethod(new_site)}),
        settings=settings(
            max_examples=40 if kind == "memory" else 12,
            stateful_step_count=25,
            phases=[Phase.generate],
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
