"""Standing queries over real gRPC: made, matched while nobody listens, paused, taken note of, kept over a restart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from detector.types import VehicleClass
from services.client import Probe
from services.errors import InputError, NotFound
from services.matcher.types import IdentityFilter, SearchFilter

RED, BLUE = (0, 0, 250), (250, 0, 0)


def sightings(city):
    return sorted(alert.match.sighting_id for alert in city.client.alerts()[0])


def test_what_comes_later_raises_an_alert(street, picture, wait_until):
    made = street.client.standing_create("the red one", [Probe(image=picture(RED))])
    assert (made.active, made.min_probability, made.pictures, made.fault) == (True, 0.5, 1, "")
    assert made.picture[:3] == b"\xff\xd8\xff"
    street.see("blue-9", BLUE, camera="south", at_s=99)
    street.see("red-9", RED, camera="south", at_s=100)
    wait_until(lambda: sightings(street) == ["red-9"])
    ((alert,), total) = street.client.alerts()
    assert (alert.name, alert.match.camera_id, alert.match.identity_id, total) == ("the red one", "south", "", 1)
    assert alert.match.probability > 0.9
    assert alert.latest is None
    street.decide("red-9", "id-red")
    street.settle()
    ((alert,), _) = street.client.alerts()
    assert alert.match.identity_id == "id-red"
    assert alert.latest.sighting_id == "red-9"
    street.see("red-9", RED, camera="south", at_s=100, revision=2)
    street.see("red-10", RED, camera="south", at_s=100)
    wait_until(lambda: sightings(street) == ["red-10", "red-9"])


def test_a_query_of_an_identity_hears_of_all_that_is_decided_to_be_it(street, wait_until):
    street.client.standing_create("red", [Probe(identity_id="id-red")], min_probability=0.99)
    street.see("odd", (0, 240, 10), at_s=200)
    street.decide("odd", "id-red")
    wait_until(lambda: sightings(street) == ["odd"])


def test_filters_pauses_and_removal(street, picture, wait_until):
    client = street.client
    south = SearchFilter(camera_ids=frozenset({"south"}))
    query = client.standing_create("red in the south", [Probe(image=picture(RED))], south)
    assert query.wanted == south
    street.see("red-7", RED, camera="north", at_s=100)
    street.see("red-8", RED, camera="south", at_s=110)
    wait_until(lambda: sightings(street) == ["red-8"])
    assert not client.standing_set_active(query.standing_id, active=False).active
    street.see("red-9", RED, camera="south", at_s=120)
    street.settle()
    assert client.standing_set_active(query.standing_id, active=True).active
    street.see("red-10", RED, camera="south", at_s=130)
    wait_until(lambda: sightings(street) == ["red-10", "red-8"])
    client.standing_delete(query.standing_id)
    assert client.standing_list() == []
    assert client.alerts() == ([], 0)
    with pytest.raises(NotFound):
        client.standing_delete(query.standing_id)
    with pytest.raises(NotFound):
        client.standing_set_active(query.standing_id, active=True)


def test_note_is_taken_and_audited(street, picture, wait_until):
    client = street.client
    client.standing_create("red", [Probe(image=picture(RED))])
    street.see("red-9", RED, at_s=100)
    wait_until(lambda: sightings(street) == ["red-9"])
    ((alert,), _) = client.alerts(open_only=True)
    assert client.alerts_acknowledge([alert.alert_id]) == 1
    assert client.alerts(open_only=True) == ([], 0)
    ((alert,), _) = client.alerts()
    assert alert.acknowledged_by == "grpc"
    assert alert.acknowledged_ns > alert.raised_ns
    assert [entry.action for entry in client.audit(2)] == ["acknowledge_alerts", "create_standing"]
    assert [entry.action for entry in client.audit(2, client.audit(1)[0].entry_id)] == ["create_standing"]


def test_it_survives_a_restart_and_catches_up(street, build, picture, wait_until):
    street.client.standing_create("red", [Probe(image=picture(RED))])
    street.see("red-8", RED, at_s=90)
    wait_until(lambda: sightings(street) == ["red-8"])
    street.matcher.stop()
    street.see("red-9", RED, at_s=100)
    again = build(street.store)
    assert [query.name for query in again.client.standing_list()] == ["red"]
    wait_until(lambda: sightings(again) == ["red-8", "red-9"])


def test_a_query_whose_vehicle_is_gone_says_so(street):
    street.client.standing_create("blue", [Probe(identity_id="id-blue")])
    street.client.gallery_delete("id-blue", reason="asked for")
    (query,) = street.client.standing_list()
    assert "id-blue" in query.fault
    assert street.client.audit(1)[0].detail == "asked for"


@pytest.mark.parametrize(
    ("name", "probability", "probes"),
    [("", 0.5, ["red-1"]), ("x" * 81, 0.5, ["red-1"]), ("a\nb", 0.5, ["red-1"]), ("a", 1.5, ["red-1"]), ("a", 0.5, [])],
)
def test_what_makes_no_sense_is_refused(street, name, probability, probes):
    with pytest.raises(InputError):
        street.client.standing_create(name, [Probe(sighting_id=p) for p in probes], min_probability=probability)
    with pytest.raises(NotFound):
        street.client.standing_create("a", [Probe(sighting_id="nothing")])
    with pytest.raises(InputError):
        street.client.alerts_acknowledge([])
    assert street.client.standing_list() == []


def test_the_site_reports_on_itself(street):
    report = street.client.site()
    assert report.store["server"] == "memory"
    assert report.retention_s["sightings"] > 0
    assert "sightings of enrolled identities" not in report.retention_s
    assert report.overdue == 4  # the street lies years back
    ended_ns = street.store.now_ns() - int((report.retention_s["sightings"] + 10) * 1e9)
    due = replace(street.store.get_sighting("red-1"), sighting_id="due", start_ns=ended_ns, end_ns=ended_ns)
    street.store.put_sighting(due, street.lease)
    assert street.client.site().overdue == 4
    assert report.oldest_event_ns is not None
    with pytest.raises(InputError):
        street.client.audit(1, "yesterday")


def test_identities_are_filtered_by_class_colour_and_enrolment(street):
    client = street.client

    def found(**restrictions):
        page, total = client.identity_list(wanted=IdentityFilter(**restrictions))
        assert total == len(page)
        return [detail.record.identity_id for detail in page]

    assert found(classes=frozenset({VehicleClass.TRUCK})) == ["id-blue"]
    assert found(classes=frozenset({VehicleClass.CAR, VehicleClass.TRUCK})) == ["id-blue", "id-red"]
    assert found(colours=frozenset({"red"})) == []
    assert found(min_cameras=2) == ["id-red"]
    assert found(enrolled=True) == []
    client.identity_set_enrolled("id-red", enrolled=True)
    assert found(enrolled=True) == ["id-red"]
    (blue, red), _ = client.identity_list()
    assert (blue.best_sighting_id, blue.vehicle_class) == ("blue-1", VehicleClass.TRUCK)
    assert red.best_sighting_id in {"red-1", "red-2"}


def test_where_a_vehicle_comes_next_is_asked_of_what_was_learned(street):
    forecast = street.client.camera_predict("nowhere", 0)
    assert (forecast.arrivals, forecast.not_again) == ((), 1.0)
    with pytest.raises(InputError):
        street.client.camera_predict("", 0)
