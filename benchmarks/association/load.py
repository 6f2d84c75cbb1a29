"""The load: a network of cameras, vehicles that drive in it, what is remembered and what arrives. Times nothing."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.types import Assigned, Observation

Floats = NDArray[np.float64]
Vectors = NDArray[np.float32]

MODEL_ID = "bench"
SECOND_NS = 1_000_000_000
#: Some day; times of the load are seconds after it.
EPOCH_NS = 1_700_000_000 * SECOND_NS
DIM = 256
#: Directions in which vehicles really differ, as measured of the default network.
REAL_DIM = 16
NOISE = 0.45
#: Vectors drawn for a passage, of which the first is taken; a seed's load hangs on how many there are.
DRAWN = 5
STAY_S = 4.0
TRIP_SPREAD = 0.2
TRIP_MAX_S = 60.0
#: Share of arrivals that are vehicles never seen before; as many leave for good.
NEW_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What is offered.

    Attributes:
        active: Identities remembered when the load begins.
        seconds: How long it lasts.
        cameras: Of the site.
        out_degree: Links that leave a camera.
        window_s: How long an identity is remembered.
        unknown_share: Share of trips over links that nobody has travelled before.
        burst: Sightings that arrive at one instant.
        per_s: Sightings a second.
        revisions: 1: each sighting comes once, closed; 2: it comes while the vehicle is in view, and again closed.
        seed: Of everything.
    """

    active: int
    seconds: float = 30.0
    cameras: int = 32
    out_degree: int = 4
    window_s: float = 1800.0
    unknown_share: float = 0.25
    burst: int = 50
    per_s: float = 200.0
    revisions: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.active < 1 or self.seconds <= 0 or self.per_s <= 0 or self.burst < 1:
            raise ValueError("active, seconds, per_s and burst must be above 0")
        if not 0 < self.out_degree < self.cameras - 1:
            raise ValueError(f"out_degree must lie between 0 and {self.cameras - 1}, got {self.out_degree}")
        if self.revisions not in (1, 2):
            raise ValueError(f"revisions must be 1 or 2, got {self.revisions}")

    @property
    def trip_s(self) -> float:
        """Median travel time: such that the vehicles remembered are seen as often as sightings are offered."""
        return min(TRIP_MAX_S, max(self.active / self.per_s - STAY_S, 2.0))


@dataclass(frozen=True, slots=True)
class Arrival:
    """A revision and when it comes, seconds after the load's beginning."""

    at_s: float
    observation: Observation


class Traffic:
    """Vehicles on their ways through the network; draws everything in the order of calls.

    Attributes:
        vehicles: Whose each sighting is, by its id.
    """

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        self._rng = np.random.default_rng(plan.seed)
        basis = np.linalg.qr(self._rng.standard_normal((DIM, REAL_DIM)))[0]
        self._basis: Floats = basis.T
        steps = self._rng.permutation(np.arange(1, plan.cameras))[: plan.out_degree]
        self._steps = [int(step) for step in steps]
        others = set(range(1, plan.cameras)) - set(self._steps)
        self._others = sorted(others)
        self._trip_s = plan.trip_s * self._rng.lognormal(0.0, 0.4, (plan.cameras, plan.out_degree))
        self._looks: list[Floats] = []
        self.vehicles: dict[str, int] = {}

    # ------------------------------------------------------------------ vehicles

    def vehicle(self) -> int:
        """A vehicle nobody has seen."""
        self._looks.append(self._rng.standard_normal(REAL_DIM))
        return len(self._looks) - 1

    def _vectors(self, vehicle: int, count: int) -> Vectors:
        noisy = self._looks[vehicle] + NOISE * self._rng.standard_normal((count, REAL_DIM))
        vectors = noisy @ self._basis
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def seen(self, vehicle: int, camera: int, start_s: float) -> Observation:
        """A closed passage of a vehicle."""
        sighting_id = f"s{len(self.vehicles) + 1:08d}"
        self.vehicles[sighting_id] = vehicle
        start_ns = EPOCH_NS + round(start_s * SECOND_NS)
        return Observation(
            sighting_id=sighting_id,
            revision=1,
            final=True,
            camera_id=f"c{camera:03d}",
            start_ns=start_ns,
            end_ns=start_ns + round(STAY_S * SECOND_NS),
            entry=(0.5, 0.2),
            exit=(0.5, 0.8),
            embedding=self._vectors(vehicle, DRAWN)[0],
            class_probs=np.array([0.85, 0.05, 0.05, 0.05], np.float32),
            colour={},
            model_id=MODEL_ID,
        )

    def onward(self, camera: int) -> tuple[int, float]:
        """The next camera and the travel time to it, over a known link or one that nobody has travelled."""
        plan, rng = self._plan, self._rng
        if rng.random() < plan.unknown_share:
            step = self._others[int(rng.integers(len(self._others)))]
            return (camera + step) % plan.cameras, float(plan.trip_s * rng.lognormal(0.0, 0.6))
        return self._known(camera, int(rng.integers(plan.out_degree)))

    def _known(self, camera: int, link: int) -> tuple[int, float]:
        travel_s = float(self._trip_s[camera, link] * self._rng.lognormal(0.0, TRIP_SPREAD))
        return (camera + self._steps[link]) % self._plan.cameras, travel_s

    # ------------------------------------------------------------------ phases

    def lesson(self, trips: int) -> list[Observation]:
        """Passages that teach every known link so many trips, by start; they end before what is remembered begins."""
        plan = self._plan
        made = []
        for link in range(plan.out_degree):
            for camera in range(plan.cameras):
                for _ in range(trips):
                    vehicle, start_s = self.vehicle(), float(self._rng.uniform(0.0, 2000.0))
                    target, travel_s = self._known(camera, link)
                    made.append(self.seen(vehicle, camera, start_s))
                    made.append(self.seen(vehicle, target, start_s + STAY_S + travel_s))
        last_s = max(o.end_ns for o in made) / SECOND_NS - EPOCH_NS / SECOND_NS
        back_ns = round((last_s + 3 * plan.window_s) * SECOND_NS)
        moved = [replace(o, start_ns=o.start_ns - back_ns, end_ns=o.end_ns - back_ns) for o in made]
        return sorted(moved, key=lambda o: (o.start_ns, o.sighting_id))

    def remembered(self) -> tuple[list[Assigned], list[tuple[float, int, int]]]:
        """What is in memory when the load begins, one passage for each identity.

        As many vehicles as the offered rate needs are on their way to another camera; the others have left and are
        only remembered.

        Returns:
            The passages with their identities, and a queue of those on their way: when, vehicle, where.
        """
        plan, rng = self._plan, self._rng
        driving = min(plan.active, round(plan.per_s * (plan.trip_s + STAY_S) * 1.2))
        assigned, queue = [], []
        for number in range(plan.active):
            vehicle, camera = self.vehicle(), int(rng.integers(plan.cameras))
            if number < driving:
                target, travel_s = self.onward(camera)
                left_s = -float(rng.uniform(0.0, 1.0)) * travel_s
                queue.append((left_s + travel_s, vehicle, target))
            else:
                left_s = -float(rng.uniform(0.0, 0.95)) * (plan.window_s - STAY_S)
            # As after a start: what was closed before is not looked at again.
            assigned.append(Assigned(self.seen(vehicle, camera, left_s - STAY_S), f"r{number:07d}", settled=True))
        heapq.heapify(queue)
        return assigned, queue

    def arrivals(self, queue: list[tuple[float, int, int]]) -> Iterator[Arrival]:
        """What arrives, by time: bursts of passages that have just closed (or begun and closed)."""
        plan = self._plan
        waiting: list[tuple[float, int, Observation]] = []
        for number in range(round(plan.seconds * plan.per_s / plan.burst)):
            at_s = number * plan.burst / plan.per_s
            for _ in range(plan.burst):
                observation = self._next(queue, at_s)
                if plan.revisions == 1:
                    yield Arrival(at_s, observation)
                    continue
                early = replace(observation, final=False, end_ns=observation.start_ns, exit=None)
                yield Arrival(at_s, early)
                heapq.heappush(waiting, (at_s + STAY_S, len(self.vehicles), replace(observation, revision=2)))
            while waiting and waiting[0][0] <= at_s + plan.burst / plan.per_s:
                closes_s, _, closed = heapq.heappop(waiting)
                yield Arrival(closes_s, closed)

    def _next(self, queue: list[tuple[float, int, int]], at_s: float) -> Observation:
        """The passage of who is due next, and where that vehicle goes from there."""
        rng = self._rng
        due_s, vehicle, camera = heapq.heappop(queue) if queue else (at_s, self.vehicle(), 0)
        if rng.random() < NEW_SHARE:
            vehicle = self.vehicle()
        start_s = min(due_s, at_s) if self._plan.revisions == 2 else min(due_s, at_s - STAY_S)
        target, travel_s = self.onward(camera)
        heapq.heappush(queue, (start_s + STAY_S + travel_s, vehicle, target))
        return self.seen(vehicle, camera, start_s)
