"""`vreid camera topology` against a running matcher: what the associator committed is what a person is shown."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from reid.types import Calibration
from services.cli import camera
from services.types import Commit
from tests.unit.tracker.evaluation.conftest import street_of
from tracker.evaluation.replay import MODEL_ID, Replay
from tracker.evaluation.simulated.components import packaged_components
from tracker.evaluation.simulated.embeddings import Draw, Parts
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.report import topology_report


@pytest.fixture(scope="module")
def learned() -> dict[str, str]:
    """What the live code learns of a street whose first link takes about 6 s and whose second about 12 s."""
    tracklets = street_of(14, 8)
    count = iter(range(10**6))
    associator = Associator(AssociationSettings(), Calibration(14.0, -8.0), MODEL_ID, lambda: f"i{next(count)}")
    Replay(associator, 1800.0).run(tracklets, Parts(tracklets, packaged_components(), Draw(0)).at(0.2))
    return dict(associator.snapshot().links)


@pytest.fixture
def vreid(city, monkeypatch):
    monkeypatch.setenv("VREID_ADDRESS", city.matcher.address)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(camera.app, [*arguments])


def _commit(city, links) -> None:
    lease = city.store.acquire_lease("associator", "test", 60.0)
    city.store.commit(Commit(lease=lease, decisions=(), links=links))


def test_what_was_learned_is_what_is_shown(city, vreid, learned) -> None:
    _commit(city, learned)
    report = city.client.camera_topology()
    assert report == topology_report(AssociationSettings(), learned)
    links = {(link.from_camera, link.to_camera): link for link in report.links}
    onward = links["c0", "c1"]
    assert onward.trips > 5
    assert onward.share > 0.5
    low_s, high_s = onward.travel_interval_s
    assert low_s < onward.travel_median_s < high_s
    assert onward.travel_median_s == pytest.approx(6.0, abs=2.5)

    document = json.loads(vreid("topology", "--json").stdout)
    assert list(document) == ["cameras", "links", "overlaps", "warnings"]
    assert {c["camera_id"] for c in document["cameras"]} == {"c0", "c1", "c2", "c3"}
    (link,) = (entry for entry in document["links"] if (entry["from"], entry["to"]) == ("c0", "c1"))
    assert link["travel_s"]["median"] == pytest.approx(onward.travel_median_s)
    assert link["offset_identifiable"] is (link["offset_s"] is not None)

    words = vreid("topology").stdout
    assert "c0" in words
    assert "not identifiable" in words


def test_before_anything_was_learned(city, vreid) -> None:
    assert json.loads(vreid("topology", "--json").stdout)["links"] == []
    assert "No link has been learned yet" in vreid("topology").stdout


def test_where_a_vehicle_comes_next_follows_from_what_was_learned(city, learned) -> None:
    _commit(city, learned)
    left_ns = city.store.now_ns() - 10**9
    forecast = city.client.camera_predict("c0", left_ns)
    first = forecast.arrivals[0]
    assert first.camera_id == "c1"
    assert first.probability > 0.3
    assert left_ns + 2e9 < first.from_ns < first.at_ns < first.to_ns < left_ns + 60e9
    assert sum(a.probability for a in forecast.arrivals) + forecast.not_again == pytest.approx(1.0, abs=1e-5)
