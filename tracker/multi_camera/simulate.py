"""Association without pictures: truth tracklets of a recording, embeddings of stated quality, and the live code.

Owns the simulated embeddings, the replay clock and a tracklet-level IDF1 for quick judgement; opens no file.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from reid.types import Calibration
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.types import IdentityMerge, Observation, Point

Vectors = NDArray[np.float32]

SECOND_NS = 1_000_000_000
FRAME_PX = (1920.0, 1080.0)
DIM = 32
MODEL_ID = "simulated"
#: A tracker needs this long to know that a vehicle has gone.
CLOSE_NS = SECOND_NS
#: What can happen in a replay, in the order of precedence at one instant.
DECIDE, ARRIVE, READ = range(3)


@dataclass(frozen=True, slots=True)
class TruthTracklet:
    """One vehicle in one camera, as the truth has it."""

    camera_id: str
    vehicle_id: int
    start_ns: int
    end_ns: int
    boxes: int
    entry: Point
    exit: Point


def read_cityflow(
    lines: Iterable[str], offsets_s: Mapping[str, float], frames_per_s: Mapping[str, float]
) -> list[TruthTracklet]:
    """Truth tracklets from ``camera id frame x y w h ...`` lines, frames 1-based.

    Args:
        lines: Separated by blanks or commas.
        offsets_s: Seconds by which a camera starts later, by camera id; missing means 0. Only cameras named are read
            when it is not empty.
        frames_per_s: By camera id; missing means 10.

    Returns:
        By start.
    """
    rows: dict[tuple[str, int], list[tuple[float, ...]]] = {}
    for line in lines:
        camera, vehicle, *rest = line.replace(",", " ").split()
        if not offsets_s or camera in offsets_s:
            rows.setdefault((camera, int(vehicle)), []).append(tuple(float(v) for v in rest[:5]))
    tracklets = []
    for (camera, number), boxes in rows.items():
        boxes.sort()
        times = [
            offsets_s.get(camera, 0.0) + (b[0] - 1) / frames_per_s.get(camera, 10.0) for b in (boxes[0], boxes[-1])
        ]
        centres = [((b[1] + b[3] / 2) / FRAME_PX[0], (b[2] + b[4] / 2) / FRAME_PX[1]) for b in (boxes[0], boxes[-1])]
        start_ns, end_ns = (int(t * SECOND_NS) for t in times)
        tracklets.append(TruthTracklet(camera, number, start_ns, end_ns, len(boxes), centres[0], centres[1]))
    return sorted(tracklets, key=lambda t: (t.start_ns, t.camera_id, t.vehicle_id))


# ---------------------------------------------------------------------- embeddings


@dataclass(frozen=True, slots=True)
class Fleet:
    """Sizes of the parts of a simulated embedding, relative to the part shared by a model and colour.

    Attributes:
        models: Number of model-and-colour clusters.
        vehicle: What tells one vehicle of a model and colour from another.
        sides: Number of sides vehicles are seen from; a camera mostly shows one.
        view: What a vehicle looks like from one side; the same in every camera that shows this side.
        camera: The part of a camera, shared by all vehicles.
        tracklet: What one passage adds to all its pictures: light, occlusion.
        noise: Of one picture of quality 1.
    """

    models: int = 15
    vehicle: float = 0.5
    sides: int = 3
    view: float = 0.4
    camera: float = 0.2
    tracklet: float = 0.3
    noise: float = 0.3


@dataclass(frozen=True, slots=True)
class Simulated:
    """Embeddings of tracklets.

    Attributes:
        first: float32 (N, D), from the first pictures alone.
        final: float32 (N, D).
        exemplars: float32 (N, E, D), of the final revision.
        quality: float64 (N,).
    """

    first: Vectors
    final: Vectors
    exemplars: Vectors
    quality: NDArray[np.float64]


def simulate(tracklets: Sequence[TruthTracklet], fleet: Fleet, level: float, seed: int) -> Simulated:
    """Draws embeddings.

    Args:
        tracklets: N of them.
        fleet: Sizes of the parts.
        level: Factor on everything that is not the vehicle: view, camera and noise.
        seed: Same seed, same parts at every level.
    """
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> NDArray[np.float64]:
        return np.asarray(rng.standard_normal((*shape, DIM)) / math.sqrt(DIM))

    vehicles = sorted({t.vehicle_id for t in tracklets})
    cameras = sorted({t.camera_id for t in tracklets})
    v = np.array([vehicles.index(t.vehicle_id) for t in tracklets])
    c = np.array([cameras.index(t.camera_id) for t in tracklets])
    clusters = draw(fleet.models)
    model = rng.integers(fleet.models, size=len(vehicles))
    own = clusters[model] + fleet.vehicle * draw(len(vehicles))
    mostly = rng.integers(fleet.sides, size=len(cameras))
    side = np.where(rng.random(len(tracklets)) < 0.8, mostly[c], rng.integers(fleet.sides, size=len(tracklets)))
    view = fleet.view * draw(len(vehicles), fleet.sides)[v, side]
    camera = fleet.camera * draw(len(cameras))[c]
    passage = fleet.tracklet * draw(len(tracklets))
    quality = rng.uniform(0.3, 1.0, len(tracklets))
    pictures = fleet.noise * draw(len(tracklets), 4) / quality[:, None, None]
    base = own[v][:, None, :] + level * ((view + camera + passage)[:, None, :] + pictures)
    return Simulated(_unit(base[:, 0]), _unit(base.mean(axis=1)), _unit(base), quality)


def _unit(vectors: NDArray[np.float64]) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def rank1(tracklets: Sequence[TruthTracklet], embeddings: Vectors) -> float:
    """Share of tracklets whose nearest tracklet of another camera is the same vehicle, of those that have one."""
    vehicle = np.array([t.vehicle_id for t in tracklets])
    camera = np.array([t.camera_id for t in tracklets])
    similarity = embeddings @ embeddings.T
    similarity[camera[:, None] == camera[None, :]] = -np.inf
    elsewhere = (vehicle[:, None] == vehicle[None, :]) & (camera[:, None] != camera[None, :])
    judged = elsewhere.any(axis=1)
    return float((vehicle[similarity.argmax(axis=1)] == vehicle)[judged].mean())


def level_for_rank1(tracklets: Sequence[TruthTracklet], fleet: Fleet, target: float, seed: int) -> float:
    """The level at which final embeddings reach a rank-1, by bisection."""
    low, high = 0.0, 8.0
    for _ in range(14):
        middle = (low + high) / 2
        if rank1(tracklets, simulate(tracklets, fleet, middle, seed).final) >= target:
            low = middle
        else:
            high = middle
    return low


def calibrate(fleet: Fleet, level: float, seed: int) -> Calibration:
    """Fits a calibration on a fleet of other vehicles of the same quality, by logistic regression on balanced pairs."""
    other = [TruthTracklet(f"c{k}", v, 0, 1, 1, (0, 0), (0, 0)) for v in range(200) for k in range(3)]
    embeddings = simulate(other, fleet, level, seed).final
    vehicle = np.array([t.vehicle_id for t in other])
    camera = np.array([t.camera_id for t in other])
    i, j = np.nonzero(np.triu(camera[:, None] != camera[None, :], 1))
    x = (embeddings @ embeddings.T)[i, j].astype(np.float64)
    y = vehicle[i] == vehicle[j]
    weight = np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum())
    design = np.stack([x, np.ones_like(x)], axis=1)
    theta = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ theta))
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        theta += np.linalg.solve(hessian, design.T @ (weight * (y - p)))
    return Calibration(slope=float(theta[0]), offset=float(theta[1]))


# ---------------------------------------------------------------------- replay


def revisions(tracklet: TruthTracklet, index: int, simulated: Simulated) -> list[tuple[int, Observation]]:
    """The revisions ingest would send of a tracklet, with the clock when each arrives: after 2 s, doubling to 60 s."""
    probs = np.array([0.85, 0.05, 0.05, 0.05], np.float32)
    dim = simulated.final.shape[1]
    whole = Observation(
        sighting_id=f"s{index:05d}",
        revision=1,
        final=True,
        camera_id=tracklet.camera_id,
        start_ns=tracklet.start_ns,
        end_ns=tracklet.end_ns,
        entry=tracklet.entry,
        exit=tracklet.exit,
        embedding=simulated.final[index],
        exemplars=simulated.exemplars[index],
        class_probs=probs,
        colour={},
        quality=float(simulated.quality[index]),
        model_id=MODEL_ID,
    )
    sent: list[tuple[int, Observation]] = []
    age_ns, step_ns = 2 * SECOND_NS, 2 * SECOND_NS
    while tracklet.start_ns + age_ns < tracklet.end_ns:
        at_ns = tracklet.start_ns + age_ns
        early = replace(
            whole,
            revision=len(sent) + 1,
            final=False,
            end_ns=at_ns,
            exit=None,
            embedding=simulated.first[index] if not sent else whole.embedding,
            exemplars=np.zeros((0, dim), np.float32),
        )
        sent.append((at_ns + SECOND_NS // 5, early))
        age_ns += step_ns
        step_ns = min(2 * step_ns, 60 * SECOND_NS)
    sent.append((tracklet.end_ns + CLOSE_NS, replace(whole, revision=len(sent) + 1)))
    return sent


@dataclass(frozen=True, slots=True)
class Labels:
    """Identities as published a while after each tracklet closed.

    Attributes:
        by_latency: Labels in the order of the tracklets, by latency in seconds; infinity is the end.
        outcomes: Counts of decisions, merges and splits by name.
    """

    by_latency: Mapping[float, tuple[str, ...]]
    outcomes: Mapping[str, int]


class Replay:
    """Runs tracklets through an associator and notes what was believed when."""

    def __init__(self, associator: Associator) -> None:
        self._associator = associator
        self._identity: dict[str, str] = {}
        self._alias: dict[str, str] = {}
        self._outcomes: Counter[str] = Counter()

    def run(
        self, tracklets: Sequence[TruthTracklet], simulated: Simulated, latencies_s: Sequence[float] = (0.0, 2.0, 10.0)
    ) -> Labels:
        """Plays everything to its end on a clock of its own."""
        arrivals: list[Observation] = []
        dues: list[tuple[float, int]] = []
        queue: list[tuple[int, int, int]] = []
        for index, tracklet in enumerate(tracklets):
            for at_ns, observation in revisions(tracklet, index, simulated):
                queue.append((at_ns, ARRIVE, len(arrivals)))
                arrivals.append(observation)
            for latency_s in latencies_s:
                queue.append((tracklet.end_ns + CLOSE_NS + int(latency_s * SECOND_NS), READ, len(dues)))
                dues.append((latency_s, index))
        heapq.heapify(queue)
        labels: dict[float, list[str]] = {latency: [""] * len(tracklets) for latency in latencies_s}
        while queue:
            at_ns, kind, number = heapq.heappop(queue)
            if kind == DECIDE:
                self._apply()
            elif kind == ARRIVE:
                self._associator.push(arrivals[number], at_ns)
                wait_s = self._associator.wait_s(at_ns)
                if self._associator.pending == 1 and wait_s is not None:
                    heapq.heappush(queue, (at_ns + int(wait_s * SECOND_NS), DECIDE, 0))
            else:
                latency_s, index = dues[number]
                labels[latency_s][index] = self._label(index)
        labels[math.inf] = [self._label(i) for i in range(len(tracklets))]
        return Labels({k: tuple(v) for k, v in labels.items()}, dict(self._outcomes))

    def _apply(self) -> None:
        outcome = self._associator.decide()
        for decision in outcome.decisions:
            self._outcomes[decision.status.value] += 1
            self._identity.setdefault(decision.sighting_id, decision.identity_id)
        for change in outcome.changes:
            if isinstance(change, IdentityMerge):
                self._outcomes["merge"] += 1
                self._alias[change.absorbed_id] = change.survivor_id
            else:
                self._outcomes["split"] += 1
                self._identity.update(dict.fromkeys(change.sighting_ids, change.new_identity_id))

    def _label(self, index: int) -> str:
        label = self._identity.get(f"s{index:05d}", f"undecided-{index}")
        while label in self._alias:
            label = self._alias[label]
        return label


def associate(
    tracklets: Sequence[TruthTracklet], simulated: Simulated, calibration: Calibration, settings: AssociationSettings
) -> Labels:
    """Labels from the live code, with ids counted from 0."""
    count = iter(range(10**9))
    return Replay(Associator(settings, calibration, MODEL_ID, lambda: f"i{next(count):06d}")).run(tracklets, simulated)


# ---------------------------------------------------------------------- judgement


def tracklet_idf1(tracklets: Sequence[TruthTracklet], labels: Sequence[object], *, multi_camera: bool = True) -> float:
    """IDF1 over whole tracklets, each weighing its boxes.

    Args:
        tracklets: N truth tracklets, all of vehicles that count.
        labels: N predicted identities.
        multi_camera: Drop predicted identities seen by one camera, as CityFlow does.

    Returns:
        In [0, 1].

    Source: Ristani et al., "Performance measures and a data set for multi-target, multi-camera tracking" (2016).
    """
    cameras: dict[object, set[str]] = {}
    for tracklet, label in zip(tracklets, labels, strict=True):
        cameras.setdefault(label, set()).add(tracklet.camera_id)
    kept = [i for i, label in enumerate(labels) if not multi_camera or len(cameras[label]) > 1]
    vehicles = {v: i for i, v in enumerate(sorted({t.vehicle_id for t in tracklets}))}
    predicted = {label: i for i, label in enumerate(dict.fromkeys(labels[i] for i in kept))}
    together = np.zeros((len(vehicles), max(len(predicted), 1)))
    for i in kept:
        together[vehicles[tracklets[i].vehicle_id], predicted[labels[i]]] += tracklets[i].boxes
    right = together[linear_sum_assignment(together, maximize=True)].sum()
    return float(2 * right / (sum(t.boxes for t in tracklets) + together.sum()))
