from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from reid.types import Calibration
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.scoring.score import Scorer
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.types import IdentityMerge, Observation, Outcome
from tracker.types import Decision

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
DIM = 16


def unit(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass
class Vehicles:
    """Makes observations of numbered vehicles whose looks are nearly orthogonal."""

    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))
    looks: dict[int, np.ndarray] = field(default_factory=dict)

    def look(self, vehicle: int) -> np.ndarray:
        if vehicle not in self.looks:
            axis = np.zeros(DIM)
            axis[vehicle % DIM] = 1.0
            self.looks[vehicle] = axis
        return self.looks[vehicle]

    def see(
        self,
        name: str,
        vehicle: int,
        camera: str,
        start_s: float,
        end_s: float,
        *,
        revision: int = 1,
        final: bool = True,
        noise: float = 0.05,
        look: np.ndarray | None = None,
        **changes: object,
    ) -> Observation:
        base = self.look(vehicle) if look is None else look
        embedding = unit(base + noise * self.rng.standard_normal(DIM))
        fields = {
            "sighting_id": name,
            "revision": revision,
            "final": final,
            "camera_id": camera,
            "start_ns": START + int(start_s * SECOND),
            "end_ns": START + int(end_s * SECOND),
            "entry": None,
            "exit": None,
            "embedding": embedding,
            "class_probs": np.array([0.85, 0.05, 0.05, 0.05], np.float32),
            "colour": {},
            "model_id": "m",
        }
        return Observation(**{**fields, **changes})  # type: ignore[arg-type]


@dataclass
class Site:
    """An associator and what a store would hold after applying its outcomes."""

    associator: Associator
    identity: dict[str, str] = field(default_factory=dict)
    alias: dict[str, str] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)

    def tell(self, *observations: Observation) -> Outcome:
        for observation in observations:
            self.associator.push(observation, 0)
        outcome = self.associator.decide_fully()
        self.apply(outcome)
        return outcome

    def apply(self, outcome: Outcome) -> None:
        for decision in outcome.decisions:
            standing = self.identity.setdefault(decision.sighting_id, decision.identity_id)
            assert self.resolve(decision.identity_id) == self.resolve(standing), "a decision moved a sighting silently"
            self.decisions.append(decision)
        for change in outcome.changes:
            if isinstance(change, IdentityMerge):
                assert change.absorbed_id not in self.alias
                assert change.survivor_id not in self.alias
                assert change.survivor_id != change.absorbed_id
                self.alias[change.absorbed_id] = change.survivor_id
            else:
                for sighting_id in change.sighting_ids:
                    assert self.of(sighting_id) == change.identity_id
                    self.identity[sighting_id] = change.new_identity_id

    def resolve(self, identity_id: str) -> str:
        while identity_id in self.alias:
            identity_id = self.alias[identity_id]
        return identity_id

    def of(self, sighting_id: str) -> str:
        return self.resolve(self.identity[sighting_id])


def counting_ids() -> Callable[[], str]:
    def ids() -> Iterator[str]:
        n = 0
        while True:
            yield f"i{n:05d}"
            n += 1

    source = ids()
    return lambda: next(source)


def taught(topology: Topology, vehicles: Vehicles, trips: Sequence[tuple], nats: float = 20.0) -> None:
    """Lets a topology see trips of (from, start, end, to, start, end), each beyond doubt."""
    for i, (a, s1, e1, c, s2, e2) in enumerate(trips):
        origin = vehicles.see(f"p{i}", 1, a, s1, e1)
        topology.conclude([(vehicles.see(f"q{i}", 1, c, s2, e2), [(origin, nats)])])


def scorer_for(
    visits: Sequence[tuple[Observation, str]], **settings: object
) -> tuple[Scorer, IdentityMemory, Topology]:
    """A scorer of a memory that holds sightings with their identities."""
    knobs = AssociationSettings(**settings)  # type: ignore[arg-type]
    topology = Topology(knobs)
    memory = IdentityMemory(knobs, "m", camera_number=topology.camera, remove_camera=lambda _, v: v)
    for observation, identity_id in visits:
        memory.assign(observation, identity_id)
    return Scorer(knobs, Calibration(20.0, -10.0), memory, topology, lambda _: 1.0), memory, topology


@pytest.fixture
def topology() -> Topology:
    """Knows three cameras and nothing of them."""
    topology = Topology(AssociationSettings())
    for camera in "abc":
        topology.camera(camera)
    return topology


@pytest.fixture
def vehicles() -> Vehicles:
    return Vehicles()


@pytest.fixture
def calibration() -> Calibration:
    return Calibration(slope=20.0, offset=-10.0)


@pytest.fixture
def new_site(calibration: Calibration) -> Callable[..., Site]:
    def make(ids: Callable[[], str] | None = None, **settings: object) -> Site:
        return Site(Associator(AssociationSettings(**settings), calibration, "m", ids or counting_ids()))  # type: ignore[arg-type]

    return make


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()


@pytest.fixture
def ids() -> Callable[[], Callable[[], str]]:
    return counting_ids
