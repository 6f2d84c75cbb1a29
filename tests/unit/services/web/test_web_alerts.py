"""What alerts and findings say in words, and what the console keeps for its pages."""

from __future__ import annotations

import asyncio
import time

import numpy as np

from reid.types import Calibration
from services.errors import InputError
from services.identity.codec import encode_sighting
from services.live.watcher import LiveWatcher
from services.rpc import vreid_pb2 as pb
from services.rpc.convert_standing import AlertView, ExpectedArrival, Forecast
from services.types import Match, Sighting
from services.web import site as site_module
from services.web.pages.alerts import AlertsPage, expected
from services.web.pages.findings import look
from services.web.site import Site
from tracker.types import TrackKey

SECOND = 1_000_000_000


def arrival(camera, probability, trips=9.0):
    return ExpectedArrival(camera, probability, 20 * SECOND, 10 * SECOND, 40 * SECOND, trips)


def test_a_forecast_in_words():
    assert "Nothing is learned yet" in expected(Forecast((), 1.0))
    assert "Nothing is learned yet" in expected(Forecast((arrival("a", 0.9, trips=0.5),), 0.1))
    assert expected(Forecast((arrival("a", 0.01),), 0.97)) == "Not expected any more; not seen again 97%"
    told = expected(Forecast((arrival("a", 0.6), arrival("b", 0.2), arrival("c", 0.01)), 0.19))
    assert told.startswith("Expected next: a 60% (")
    assert "b 20%" in told
    assert "c 1%" not in told
    assert told.endswith("not seen again 19%")


class Client:
    def __init__(self):
        self.asked = 0

    def alerts(self, limit, offset=0, *, open_only=False):
        self.asked += 1
        return [], 7

    def camera_predict(self, camera_id, left_ns):
        self.asked += 1
        return Forecast((), 1.0)


def test_what_many_pages_ask_is_asked_once(tmp_path, monkeypatch):
    client = Client()
    site = Site(client, LiveWatcher(tmp_path))
    assert [asyncio.run(site.open_alerts()) for _ in range(3)] == [7, 7, 7]
    assert client.asked == 1
    for _ in range(3):
        asyncio.run(site.forecast("north", 5))
    assert client.asked == 2
    monkeypatch.setattr(site_module, "_FORECAST_EVERY_S", -1.0)
    asyncio.run(site.forecast("north", 5))
    assert client.asked == 3


def test_a_held_picture_is_kept_for_a_while(tmp_path):
    site = Site(Client(), LiveWatcher(tmp_path))
    first = site.hold(b"first")
    assert site.held(first) == b"first"
    assert site.held("guessed") == b""
    for _ in range(40):
        site.hold(b"more")
    assert site.held(first) == b""


class Exporting:
    """A gallery of sightings with two-dimensional looks."""

    def __init__(self, *held):
        self.held = held

    def calibration(self):
        return Calibration(slope=20.0, offset=-10.0)

    def gallery_export(self, identity_ids):
        chunk = pb.ExportChunk(model_id="m")
        for name, identity_id, angle, quality in self.held:
            if identity_id in identity_ids:
                vector = np.array([np.cos(angle), np.sin(angle)], np.float32)
                sighting = Sighting(
                    sighting_id=name,
                    revision=1,
                    final=True,
                    track_keys=(TrackKey("c", "s", 1),),
                    camera_id=f"camera-{name}",
                    start_ns=0,
                    end_ns=SECOND,
                    times_ns=np.array([0]),
                    frames=np.array([0]),
                    boxes_xyxy=np.zeros((1, 4), np.float32),
                    class_probs=np.array([1, 0, 0, 0], np.float32),
                    colour={},
                    embedding=vector,
                    exemplars=np.zeros((0, 2), np.float32),
                    quality=quality,
                    model_id="m",
                )
                chunk.sightings.add(identity_id=identity_id, fields=encode_sighting(sighting))
        yield chunk


def test_findings_come_with_pictures_to_show_them_by():
    client = Exporting(("a1", "a", 0.0, 0.2), ("a2", "a", 0.0, 0.9), ("b1", "b", 0.01, 0.5), ("c1", "c", 2.0, 0.5))
    ((finding, pictures),) = look(client, ["a", "b", "c"])
    assert (finding.kind, finding.identity_ids, pictures) == ("duplicate", ("a", "b"), ("a2", "b1"))
    assert look(client, ["a", "c"]) == []
    assert look(client, []) == []


class Raised:
    """Of a matcher with so many alerts, that cannot tell where vehicles come next."""

    def __init__(self, count: int) -> None:
        self.count = count

    def alerts(self, limit, offset, *, open_only):
        assert open_only
        made = (AlertView(f"a{n}", "q", "van", match(n), 0, "", 0, None) for n in range(self.count))
        return list(made)[offset:][:limit], self.count

    def camera_predict(self, camera_id, left_ns):
        raise InputError("camera_id: missing")


def match(number: int) -> Match:
    now_ns = time.time_ns()
    return Match("", f"s{number}", "north", now_ns, now_ns, 1.0, 1.0, {})


def test_after_note_was_taken_of_a_last_page_the_one_before_is_shown(tmp_path):
    client = Raised(41)
    page = AlertsPage(Site(client, LiveWatcher(tmp_path)))
    page._offset = 40
    shown = []
    for count in (41, 40, 0):
        client.count = count
        found, total = asyncio.run(page._read(open_only=True))
        shown.append((len(found), total, page._offset))
    assert shown == [(1, 41, 40), (20, 40, 20), (0, 0, 0)]


def test_alerts_are_shown_where_nothing_can_be_foretold(tmp_path):
    client = Raised(2)
    page = AlertsPage(Site(client, LiveWatcher(tmp_path)))
    found, _ = client.alerts(20, 0, open_only=True)
    assert asyncio.run(page._forecasts(found)) == {}
