from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from reid.types import Calibration
from tracker.multi_camera.assignment import MARGIN_MAX, assign, choose, posterior
from tracker.multi_camera.lessons import CAPACITY
from tracker.multi_camera.links import CELLS, GAP, OVERLAP, CameraCells, Tally, compile_tables
from tracker.multi_camera.matching import columns_of, marginals_by_column, matching_marginals
from tracker.multi_camera.memory import IdentityMemory
from tracker.multi_camera.origins import Recent
from tracker.multi_camera.pooling import pool
from tracker.multi_camera.score import Scorer
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology import Topology
from tracker.multi_camera.travel import log_duration, travel_times

INF = np.inf


# ------------------------------------------------------------------ assignment


@pytest.mark.parametrize(
    ("totals", "columns"),
    [
        pytest.param([[2.0]], [0], id="match"),
        pytest.param([[-2.0]], [None], id="new"),
        pytest.param([[-INF]], [None], id="veto"),
        pytest.param([[3.0, 2.5], [2.8, -4.0]], [1, 0], id="joint beats greedy"),
        pytest.param([[3.0], [2.0]], [0, None], id="one identity, two rivals"),
        pytest.param([[], []], [None, None], id="nobody known"),
    ],
)
def test_assignment(totals, columns):
    assert [c.column for c in assign(np.array(totals, float).reshape(len(columns), -1))] == columns


def test_margin_is_the_lead_over_what_is_free():
    first, second = assign(np.array([[3.0, 2.5, 1.0], [2.8, -4.0, -5.0]]))
    assert first.column == 1
    assert first.margin == pytest.approx(1.5)
    assert first.runner_up == 2
    assert second.margin == pytest.approx(2.8)


def test_margin_without_a_rival_is_finite():
    (choice,) = assign(np.zeros((1, 0)))
    assert choice.margin == MARGIN_MAX
    assert choice.probability == 1.0
    assert choose(np.zeros(0)).column is None


def test_posterior_leaves_the_rest_to_new():
    weights = posterior(np.array([0.0, 0.0, -INF]))
    assert weights == pytest.approx([1 / 3, 1 / 3, 0.0])


# ------------------------------------------------------------------ appearance


def test_pooling_keeps_the_pair_and_grows_with_sightings():
    calibration = Calibration(slope=15.0, offset=-6.0)
    pooled = pool(calibration, 6)
    for similarity in (-1.0, 0.1, 0.4, 0.9):
        one = float(pooled.nats(np.array(similarity), np.array(1)))
        assert one == pytest.approx(calibration.log_likelihood_ratio(similarity))
    assert (np.diff(pooled.slopes[-1, 1:, 1:], axis=0) > 0).all()
    crossings = -pooled.offsets[-1, 1, 1:] / pooled.slopes[-1, 1, 1:]
    assert crossings == pytest.approx(crossings[0], abs=0.1)


def test_pooled_evidence_is_the_same_from_both_sides():
    pooled = pool(Calibration(slope=15.0, offset=-6.0), 6)
    assert pooled.slopes[-1, 1:, 1:] == pytest.approx(pooled.slopes[-1, 1:, 1:].T)
    assert pooled.offsets[-1, 1:, 1:] == pytest.approx(pooled.offsets[-1, 1:, 1:].T)


def fit_logistic(x, same):
    """Slope and offset."""
    design = np.stack([x, np.ones_like(x)], axis=1)
    theta = np.zeros(2)
    for _ in range(40):
        p = 1 / (1 + np.exp(-design @ theta))
        theta += np.linalg.solve((design * (p * (1 - p))[:, None]).T @ design, design.T @ (same - p))
    return theta


@pytest.mark.parametrize("count", [2, 4, 6])
def test_pooled_evidence_claims_no_more_than_independent_pictures_show(count):
    rng = np.random.default_rng(0)
    n, dims, rho = 3000, 40, 0.4
    x = np.sqrt(rho) * rng.standard_normal((n, 1, dims)) + np.sqrt(1 - rho) * rng.standard_normal((n, count + 1, dims))
    x /= np.linalg.norm(x, axis=-1, keepdims=True)
    similar = np.einsum("nd,nkd->nk", x[:, 0], x[:, 1:])
    different = np.einsum("nd,nkd->nk", np.roll(x[:, 0], 1, axis=0), x[:, 1:])
    same = np.repeat([1.0, 0.0], n)
    pair = fit_logistic(np.concatenate([similar[:, 0], different[:, 0]]), same)
    mean = fit_logistic(np.concatenate([similar.mean(axis=1), different.mean(axis=1)]), same)
    pooled = pool(Calibration(slope=pair[0], offset=pair[1]), count)
    assert pair[0] < pooled.slopes[-1, count, 1] < 1.1 * mean[0]
    assert pooled.offsets[-1, count, 1] == pytest.approx(mean[1], rel=0.25)


def test_marginals_of_a_matching_are_those_of_its_enumeration():
    log_odds = np.log(np.array([[3.0, 0.5], [2.0, 1.0]]))
    # Both alone, one pair of four, or two pairs of two.
    weights = {(): 1.0, (0, 0): 3.0, (0, 1): 0.5, (1, 0): 2.0, (1, 1): 1.0, "straight": 3.0 * 1.0, "crossed": 0.5 * 2.0}
    total = sum(weights.values())
    exact = np.array(
        [
            [weights[0, 0] + weights["straight"], weights[0, 1] + weights["crossed"]],
            [weights[1, 0] + weights["crossed"], weights[1, 1] + weights["straight"]],
        ]
    )
    found = matching_marginals(log_odds, np.array([[7, 9], [7, 9]]))
    assert found == pytest.approx(exact / total, abs=0.03)
    assert found.sum(axis=0).max() < 1.0


def test_marginals_without_rivals_are_plain_posteriors():
    log_odds = np.array([[0.0, 1.0, -INF], [2.0, -INF, -INF]])
    found = matching_marginals(log_odds, np.array([[1, 2, -1], [3, -1, -1]]))
    assert found[0] == pytest.approx(np.array([1, np.e, 0]) / (2 + np.e))
    assert found[1, 0] == pytest.approx(np.exp(2) / (1 + np.exp(2)))


def test_origins_numbered_once_give_the_very_marginals_of_their_keys():
    rng = np.random.default_rng(3)
    keys = rng.integers(-1, 40, (30, 8)) * 10**9
    columns = columns_of(keys)
    for _ in range(3):
        log_odds = np.where(keys < 0, -INF, rng.normal(0, 3, keys.shape))
        assert np.array_equal(marginals_by_column(log_odds, columns), matching_marginals(log_odds, keys))


# ------------------------------------------------------------------ travel and topology


def test_a_link_is_read_by_mode_as_its_two_parts_are():
    rng = np.random.default_rng(4)
    tally = Tally.empty(3)
    tally.moments[..., 0] = rng.integers(0, 20, (3, 3, 2))
    tally.moments[..., 1] = 2.5 * tally.moments[..., 0]
    tally.moments[..., 2] = 7.0 * tally.moments[..., 0]
    tables = compile_tables(tally, CameraCells(np.zeros((3, CELLS)), np.zeros((3, CELLS))), AssociationSettings())
    index, mode = (rng.integers(0, 3, 50), rng.integers(0, 3, 50)), rng.integers(0, 2, 50)
    x = rng.normal(2.0, 2.0, 50)
    rate, typical = tables.log_rate_and_typical(mode, index, x)
    assert np.array_equal(rate, np.where(mode == GAP, tables.log_gone(index, x), tables.log_there(index, x)))
    for of_mode, times in ((GAP, tables.gap), (OVERLAP, tables.overlap)):
        narrow, broad = times.log_parts(index, x)
        share = np.exp(narrow) / (np.exp(narrow) + np.exp(broad))
        assert typical[mode == of_mode] == pytest.approx(share[mode == of_mode])


@pytest.mark.parametrize("count", [0, 1, 30])
def test_travel_densities_integrate_to_one(count):
    x = float(log_duration(20.0))
    model = travel_times(np.array([[count, count * x, count * (x * x + 0.01)]], float), 12.0, 1.2, 0.3)
    u = np.linspace(-12.0, 20.0, 20_001)
    area = integrate.trapezoid(np.exp(model.log_density((np.zeros(len(u), np.intp),), u) + u), u)
    assert area == pytest.approx(1.0, abs=0.01)


def taught(topology, vehicles, trips, nats=20.0):
    """Lets a topology see trips of (from, start, end, to, start, end), each beyond doubt."""
    for i, (a, s1, e1, c, s2, e2) in enumerate(trips):
        origin = vehicles.see(f"p{i}", 1, a, s1, e1)
        topology.conclude([(vehicles.see(f"q{i}", 1, c, s2, e2), [(origin, nats)])])


def test_a_link_learns_its_travel_time(vehicles):
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, [("a", 0, 10, "b", 40 + i % 3, 50) for i in range(20)])
    tables = topology.tables()
    a, b = topology.camera("a"), topology.camera("b")
    at_31, at_3 = tables.gap.log_density((np.array([a, a]), np.array([b, b])), log_duration(np.array([31.0, 3.0])))
    assert at_31 > at_3 + 3.0
    assert np.exp(tables.log_share[a, b]) > 0.8


def test_true_trips_stand_out_among_false_ones(vehicles):
    """Looks leave three origins open for every vehicle; only the true ones agree on a travel time."""
    rng = np.random.default_rng(4)
    topology = Topology(AssociationSettings())
    for i in range(60):
        gap_s = 20.0 * float(rng.lognormal(0, 0.1))
        arrival = vehicles.see(f"q{i}", 1, "b", 500, 505)
        origins = [(vehicles.see(f"p{i}", 1, "a", 0, 500 - gap_s), 3.0)]
        origins += [(vehicles.see(f"r{i}{k}", 1, "a", 0, 500 - float(rng.uniform(1, 120))), 2.5) for k in range(2)]
        topology.conclude([(arrival, origins)])
    gap = topology.tables().gap
    a, b = topology.camera("a"), topology.camera("b")
    assert float(np.exp(gap.loc[a, b])) == pytest.approx(20.5, rel=0.15)
    assert gap.scale[a, b] < 0.4


def test_overlap_is_learned_for_the_pair_in_both_directions(vehicles):
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, 20 * [("a", 0, 10, "b", 5, 15), ("a", 0, 10, "c", 25, 35)])
    overlap = np.exp(topology.tables().log_overlap)
    a, b, c = (topology.camera(x) for x in "abc")
    assert overlap[a, b] == overlap[b, a] > 0.9
    assert overlap[a, c] == overlap[c, a] < 0.1


def test_an_open_visit_counts_as_overlap(vehicles):
    topology = Topology(AssociationSettings())
    origin = vehicles.see("p", 1, "a", 0, 2, final=False)
    topology.conclude([(vehicles.see("q", 1, "b", 5, 9), [(origin, 20.0)])])
    overlap = np.exp(topology.tables().log_overlap)
    assert overlap[topology.camera("a"), topology.camera("b")] > AssociationSettings().overlap_prior


def test_lessons_that_leave_the_ring_are_not_lost(vehicles):
    topology = Topology(AssociationSettings())
    taught(topology, vehicles, [("a", 0, 10, "b", 40, 50)] * (CAPACITY + 40))
    a, b = topology.camera("a"), topology.camera("b")
    assert topology.tables().travelled[a, b] == pytest.approx(CAPACITY + 40, rel=0.2)
    twin = Topology(AssociationSettings())
    twin.load(topology.all_links())
    assert twin.all_links() == topology.all_links()
    assert twin.tables().travelled[a, b] == pytest.approx(topology.tables().travelled[a, b])


def test_where_a_vehicle_came_from_is_the_likely_one_first(vehicles):
    topology = Topology(AssociationSettings())
    recent = Recent(Calibration(20.0, -10.0), horizon_s=600.0)
    for o in (
        vehicles.see("same", 1, "a", 0, 5),
        vehicles.see("other", 2, "a", 0, 5),
        vehicles.see("here", 1, "b", 19, 25),
        vehicles.see("later", 1, "a", 40, 45),
    ):
        recent.put(o)
        topology.camera(o.camera_id)
    arrival = vehicles.see("s", 1, "b", 20, 22)
    topology.arrive(arrival)
    ((_, origins),) = recent.origins([arrival], topology)
    assert [o.sighting_id for o, _ in origins] == ["same", "other"]


@pytest.mark.parametrize("text", ['{"kind": "camera", "camera": "a"}', '{"kind": "link", "from": "a", "to": 3}'])
def test_damaged_state_is_refused(text):
    with pytest.raises(ValueError, match="cannot be read"):
        Topology(AssociationSettings()).load({"x": text})


# ------------------------------------------------------------------ scores


def scorer_for(vehicles, visits, **settings):
    knobs = AssociationSettings(**settings)
    topology = Topology(knobs)
    memory = IdentityMemory(knobs, "m", camera_number=topology.camera, remove_camera=lambda _, v: v)
    for observation, identity_id in visits:
        memory.assign(observation, identity_id)
    return Scorer(knobs, Calibration(20.0, -10.0), memory, topology, lambda _: 1.0), memory, topology


def test_two_views_at_once_count_only_as_far_as_known_not_to_overlap(vehicles):
    visits = [(vehicles.see("s1", 1, "a", 0, 20), "x")]
    scorer, memory, topology = scorer_for(vehicles, visits)
    here = vehicles.see("s2", 1, "b", 10, 12)
    unknown = scorer.score(here).evidence(memory.row("x"))["time"]
    taught(topology, vehicles, [("a", 0, 5, "b", 15, 20)] * 30)
    apart = scorer.score(here).evidence(memory.row("x"))["time"]
    assert apart < unknown - 1.0
    taught(topology, vehicles, [("a", 0, 20, "b", 10, 20)] * 60)
    assert scorer.score(here).evidence(memory.row("x"))["time"] > unknown


def test_time_between_two_known_visits_is_judged_on_both_sides(vehicles):
    visits = [(vehicles.see("s1", 1, "a", 0, 5), "x"), (vehicles.see("s3", 1, "c", 60, 65), "x")]
    scorer, memory, topology = scorer_for(vehicles, visits)
    taught(topology, vehicles, 20 * [("a", 0, 5, "b", 30, 35), ("b", 0, 5, "c", 30, 35)])
    fits = scorer.score(vehicles.see("s2", 1, "b", 30, 35)).evidence(memory.row("x"))["time"]
    late = scorer.score(vehicles.see("s2", 1, "b", 58, 59)).evidence(memory.row("x"))["time"]
    assert fits > late + 3.0


def test_class_and_colour_count(vehicles):
    red = {"red": 0.9, "white": 0.1}
    white = {"red": 0.1, "white": 0.9}
    bus = np.array([0.05, 0.0, 0.9, 0.05], np.float32)
    visits = [
        (vehicles.see("s1", 1, "a", 0, 5, colour=red, noise=0.0), "x"),
        (vehicles.see("s2", 1, "a", 6, 9, colour=white, class_probs=bus, noise=0.0), "y"),
    ]
    scorer, memory, _ = scorer_for(vehicles, visits)
    scores = scorer.score(vehicles.see("s3", 1, "b", 20, 25, colour=red))
    x, y = (scores.evidence(memory.row(i)) for i in "xy")
    assert x["class"] > 0 > y["class"]
    assert x["colour"] > 0 > y["colour"]


def test_over_unknown_links_only_the_nearest_are_candidates(vehicles):
    visits = [(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(12)]
    scorer, _, _ = scorer_for(vehicles, visits, unknown_link_candidates=5)
    scores = scorer.score(vehicles.see("t", 3, "b", 30, 32))
    assert np.isfinite(scores.total).sum() == len(scores.rows) == 5


def test_a_row_that_has_to_stay_is_scored_though_others_are_nearer(vehicles):
    visits = [(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(12)]
    scorer, memory, _ = scorer_for(vehicles, visits, unknown_link_candidates=1)
    here = vehicles.see("t", 3, "b", 30, 32)
    far = memory.row("i9")
    assert scorer.score(here).of(far) == -INF
    assert np.isfinite(scorer.score(here, keep=far).of(far))


def test_a_burst_is_scored_against_many(vehicles):
    rng = np.random.default_rng(3)
    visits = []
    for i in range(300):
        look = rng.standard_normal(16)
        visits.append((vehicles.see(f"s{i:03d}", 0, f"c{i % 8}", i * 0.1, i * 0.1 + 3, look=look), f"i{i}"))
    scorer, memory, _ = scorer_for(vehicles, visits)
    for observation, identity_id in visits[::50]:
        again = vehicles.see("t", 0, "new", 60, 62, look=observation.embedding.astype(float), noise=0.01)
        scores = scorer.score(again)
        assert scores.rows[np.argmax(scores.total)] == memory.row(identity_id)
        assert scores.of(memory.row(identity_id)) == scores.total.max()


# ------------------------------------------------------------------ memory


def test_memory_is_a_function_of_its_members(vehicles):
    seen = [vehicles.see(f"s{i}", 1, "ab"[i % 2], 10 * i, 10 * i + 3, noise=0.4) for i in range(9)]
    _, forwards, _ = scorer_for(vehicles, [(o, "x") for o in seen])
    _, backwards, _ = scorer_for(vehicles, [(o, "x") for o in reversed(seen)])
    assert (forwards.centres[forwards.row("x")] == backwards.centres[backwards.row("x")]).all()


def test_a_new_revision_replaces_the_old(vehicles):
    first = vehicles.see("s1", 1, "a", 0, 2, final=False)
    _, memory, _ = scorer_for(vehicles, [(first, "x"), (vehicles.see("s1", 2, "a", 0, 5, revision=2), "x")])
    row = memory.row("x")
    assert memory.sources[row] == 1
    assert int(memory.centres[row].argmax()) == 2
    assert not memory.visits.open[row].any()


def test_rows_are_used_again_and_aliases_resolve(vehicles):
    _, memory, _ = scorer_for(vehicles, [(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(3)])
    memory.merge("i0", "i1")
    memory.merge("i2", "i0")
    assert memory.resolve("i1") == "i2"
    assert [o.sighting_id for o in memory.members("i2")] == ["s0", "s1", "s2"]
    assert len(memory) == 1
    memory.detach("s0")
    memory.assign(vehicles.see("n", 5, "b", 9, 10), "fresh")
    assert len(memory.row_ids) == 64


def test_rows_that_changed_are_told_from_the_log_as_by_looking_at_all(vehicles, monkeypatch):
    monkeypatch.setattr("tracker.multi_camera.memory.LOGGED", 8)
    _, memory, _ = scorer_for(vehicles, [])
    rng = np.random.default_rng(5)
    versions = [0]
    for i in range(60):
        memory.assign(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{int(rng.integers(9))}")
        versions.append(memory.version)
    for version in versions:
        assert memory.changed_since(version).tolist() == np.flatnonzero(memory.versions > version).tolist()


def test_what_changed_much_later_is_still_found_among_the_nearest(vehicles, monkeypatch):
    monkeypatch.setattr("tracker.multi_camera.appearance.CATCH_UP", 4)
    scorer, memory, _ = scorer_for(vehicles, [(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(6)])
    here = vehicles.see("t", 9, "b", 60, 62)
    scorer.prepare([here])
    for i in range(6, 15):
        memory.assign(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}")
    scores = scorer.score(here)
    assert scores.rows[np.argmax(scores.total)] == memory.row("i9")
    assert scores.of(memory.row("i9")) == pytest.approx(
        scorer.score(vehicles.see("u", 9, "b", 60, 62)).total.max(), abs=1.0
    )


def test_time_is_trusted_more_the_more_was_learned(vehicles):
    topology = Topology(AssociationSettings())
    trust = [topology.trust]
    for number in range(60):
        topology.conclude([(vehicles.see(f"s{number}", number % 7, "a", 4.0 * number, 4.0 * number + 3), [])])
        trust.append(topology.trust)
    assert 0.0 < trust[0] < 1.0
    assert trust == sorted(trust)
    assert trust[-1] < 1.0
