"""All figures at once, on sets with labels: what is apart in tables, what fails worst, what a set cannot be asked."""

import json
from pathlib import Path

import numpy as np
import pytest
from ranking_oracles import unit

from reid.data import ReidSet, Sample
from reid.errors import DataError
from reid.evaluation import PROTOCOLS, Pictures, Plan, Rerank, evaluate, sides, training_pool
from reid.types import Calibration


def city(vehicles=12, cameras=3, noise=0.15, seed=0):
    """Each vehicle once per camera; the last two are twins, alike but for a little."""
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(vehicles, 16)))
    centres[-1] = unit(centres[-2:-1] + 0.02 * rng.normal(size=(1, 16)))[0]
    samples, rows = [], []
    for vehicle in range(vehicles):
        for camera in range(cameras):
            labels = {"face": ("front", "rear", "side")[(vehicle + camera) % 3]}
            labels["twin"] = "twin" if vehicle >= vehicles - 2 else "single"
            name = Path(f"{vehicle:02d}_{camera}.jpg")
            samples.append(
                Sample(name, "city", str(vehicle), f"c{camera}", "bus" if vehicle % 4 == 0 else "car", labels)
            )
            rows.append(centres[vehicle] + rng.normal(size=16) * noise)
    return Pictures(tuple(samples), unit(rows))


def test_document_has_the_promised_keys_and_is_json():
    pool = city()
    found = evaluate(pool, pool, Plan("cross-camera", ("twin",), calibration=Calibration(12.0, -6.0), failures=3))
    document = json.loads(json.dumps(found.document(), allow_nan=False))
    promised = ["protocol", "queries", "gallery", "mAP", "mINP", "rank1", "rank5", "rank10"]
    promised += ["rank1_macro_class", "mAP_macro_class"]
    assert [key for key in document if key in promised] == promised
    assert {"per_class", "ci95", "tables", "verification", "open_set", "reliability", "posterior"} <= document.keys()
    assert document["protocol"] == "cross-camera"
    assert (document["queries"], document["gallery"], document["skipped"]) == (36, 36, 0)
    assert set(document["per_class"]) == {"bus", "car"}
    for name, (low, high) in document["ci95"].items():
        assert low <= document[name] <= high, name


def test_tables_are_apart_by_class_view_pairs_and_any_label():
    pool = city()
    tables = evaluate(pool, pool, Plan("cross-camera", ("twin",))).tables
    assert set(tables) == {"class", "view", "twin", "camera_pair", "view_pair"}
    assert tables["twin"]["twin"].rank1 < tables["twin"]["single"].rank1 - 0.2
    assert set(tables["camera_pair"]) == {f"c{a}>c{b}" for a in range(3) for b in range(3) if a != b}
    assert all(row.queries == 12 for row in tables["camera_pair"].values())
    assert set(tables["view_pair"]) == {
        f"{a}>{b}" for a in ("front", "rear", "side") for b in ("front", "rear", "side") if a != b
    }
    assert sum(row.queries for row in tables["view"].values()) == 36


def test_a_camera_pair_is_searched_alone():
    pool = city(noise=0.6)
    table = evaluate(pool, pool, Plan("cross-camera")).tables["camera_pair"]
    rows = [(s.camera, int(s.vehicle), v) for s, v in zip(pool.samples, pool.vectors, strict=True)]
    gallery = np.stack([v for camera, _, v in rows if camera == "c1"])
    hits = [int(np.argmax(gallery @ v)) == vehicle for camera, vehicle, v in rows if camera == "c0"]
    assert table["c0>c1"].rank1 == pytest.approx(np.mean(hits))


def test_worst_failures_come_first_one_per_vehicle_and_show_the_right_answer():
    pool = city(noise=0.5)
    failures = evaluate(pool, pool, Plan("cross-camera", failures=5)).failures
    assert 1 <= len(failures) <= 5
    margins = []
    for failure in failures:
        query = pool.samples[failure.row]
        assert not failure.answers[0].right
        assert any(answer.right for answer in failure.answers)
        assert all(pool.samples[a.row].camera != query.camera for a in failure.answers)
        assert all((pool.samples[a.row].vehicle == query.vehicle) == a.right for a in failure.answers)
        margins.append(failure.answers[0].similarity - max(a.similarity for a in failure.answers if a.right))
    assert margins == sorted(margins, reverse=True)
    assert len({pool.samples[failure.row].vehicle for failure in failures}) == len(failures)


def test_the_protocol_says_when_it_was_re_ranked_and_pairs_stay_as_they_were():
    pool = city(noise=0.3)
    plain = evaluate(pool, pool, Plan("cross-camera"))
    helped = evaluate(pool, pool, Plan("cross-camera", rerank=Rerank(top=20, k1=3, k2=2)))
    assert helped.retrieval.protocol == "cross-camera+rerank"
    assert helped.verification == plain.verification
    assert helped.retrieval.mean_average_precision != plain.retrieval.mean_average_precision
    with pytest.raises(ValueError, match="not re-ranked"):
        evaluate(pool, pool, Plan("image-to-track", rerank=Rerank()), [[0]])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_runs_and_repeats(protocol):
    pool = city()
    tracks = [[row] for row in range(len(pool.samples))]
    plan = Plan(protocol, draw_vehicles=6, failures=2, seed=4)
    found = evaluate(pool, pool, plan, tracks)
    assert found.retrieval.protocol == protocol
    assert found == evaluate(pool, pool, plan, tracks)
    assert bool(found.recall_at) == (protocol == "recall")
    assert 0 < found.retrieval.chance_rank1 < 0.5 < found.retrieval.rank1


def test_a_constant_embedding_is_below_chance_everywhere():
    pool = city()
    constant = Pictures(pool.samples, unit(np.ones((len(pool.samples), 16))))
    for protocol in PROTOCOLS:
        found = evaluate(constant, constant, Plan(protocol), [[row] for row in range(36)])
        assert found.retrieval.rank1 <= found.retrieval.chance_rank1
        assert found.retrieval.mean_average_precision <= 2 * found.retrieval.chance_rank1
        assert set(found.identification.values()) == {0.0}
        assert found.verification.auc == 0.0


def test_sides_follow_the_protocol_and_say_what_a_set_lacks():
    samples = city().samples
    whole = ReidSet("veri", (), samples[:2], samples)
    assert sides(whole, "image-to-image") == (samples[:2], samples)
    assert sides(whole, "cross-camera") == (samples, samples)
    with pytest.raises(DataError, match=r"test_track\.txt"):
        sides(whole, "image-to-track")
    with pytest.raises(DataError, match="image-to-image needs queries"):
        sides(ReidSet("pattern", (), (), samples), "image-to-image")
    one_camera = tuple(sample for sample in samples if sample.camera == "c0")
    with pytest.raises(DataError, match="needs two cameras, pattern tells of 1"):
        sides(ReidSet("pattern", (), (), one_camera), "cross-camera")
    hidden = ReidSet("cityflow", samples, (), ())
    with pytest.raises(DataError, match="judge its training part"):
        sides(hidden, "cross-camera")
    assert sides(training_pool(hidden), "cross-camera") == (samples, samples)
