"""The bench of whole cities: which are played, what is said of each, of each light, and of all at once."""

import pytest

from benchmarks.city.rendering import city_name
from benchmarks.identities.run import IdentitiesBench, score_identities
from simulator.city import City, CityCamera, CityVehicle, write_city
from simulator.errors import CityError
from simulator.script import RenderRequest

SCORES = {"hill": 0.9, "port": 0.7, "hill+port": 0.75}


def put_city(keep, place, light=None, seed=3):
    folder = keep / city_name(RenderRequest(seed, place, place, seconds=5.0, light=light))
    folder.mkdir(parents=True)
    (folder / "c.mp4").write_bytes(b"clip")
    (folder / "ground_truth.txt").write_text("1 1 1 5 5 30 20 1.000 -1\n")
    camera = CityCamera("c", 1, folder / "c.mp4", 640, 360, 50, {})
    vehicle = CityVehicle(1, "leon", "car", "beige", (), ())
    write_city(City(folder.name, seed, place, 10.0, 0.0, (camera,), (vehicle,), folder / "ground_truth.txt", folder))


def played(city):
    return {
        "idf1": SCORES[city.place],
        "oracle_idf1": 1.0,
        "greedy_idf1": 0.2,
        "query": {"rank1": 0.8},
        "frame_age_p99_s": 0.2,
        "frames": {"inferred": 45, "offered": 50},
    }


def bench(keep, **changes):
    return IdentitiesBench(**{"places": ("hill", "port"), "seed": 3, "seconds": 5.0, "keep": keep, **changes})


def test_cities_their_mean_and_all_at_once(tmp_path):
    put_city(tmp_path, "hill")
    put_city(tmp_path, "port", seed=4)
    told = []

    document = score_identities(bench(tmp_path, together=True), played, lambda *done: told.append(done))

    assert [(row["place"], row["idf1"], row["inferred"]) for row in document["cities"]] == [
        ("hill", 0.9, 0.9),
        ("port", 0.7, 0.9),
    ]
    assert document["mean"] == {"idf1": 0.8, "oracle_idf1": 1.0, "share_of_oracle": 0.8, "query_rank1": 0.8}
    assert (document["together"]["cameras"], document["together"]["fall"]) == (2, 0.05)
    assert told[-1] == (3, 3)


def test_each_light_has_its_row(tmp_path):
    for light in ("noon", "night"):
        put_city(tmp_path, "hill", light)

    document = score_identities(bench(tmp_path, places=("hill",), lights=("noon", "night")), played, lambda *_: None)

    assert list(document["by_light"]) == ["noon", "night"]
    assert document["together"] is None


def test_an_unknown_place_is_told(tmp_path):
    with pytest.raises(CityError, match="no place 'atlantis'"):
        score_identities(bench(tmp_path, places=("atlantis",), seed=1_400_021), played, lambda *_: None)
