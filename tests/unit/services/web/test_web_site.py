"""What the console keeps of a site, and what it draws of it."""

import asyncio
import contextlib
import re
from xml.etree import ElementTree

from detector.types import VehicleClass
from services.errors import MatcherUnavailable, NotFound
from services.live.watcher import LiveWatcher
from services.live.wire import LivePicture
from services.matcher.types import SightingSummary
from services.rpc.convert_console import SiteEvent
from services.web import drawing
from services.web import site as site_module
from services.web.drawing import DrawnBox, Visit, boxes_svg, route_svg, topology_svg
from services.web.pages.identity import best_of_each_camera
from services.web.pages.topology import link_cells
from services.web.site import Corrections, Site
from tracker.multi_camera.topology.report import LinkReport

SECOND = 1_000_000_000


class Client:
    """Answers from lists, as a matcher's client would."""

    def __init__(self, *batches):
        self.batches = list(batches)
        self.asked = []
        self.pictures = 0

    def events(self, after, limit):
        self.asked.append(after)
        if not self.batches:
            return [], after
        batch = self.batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch, batch[-1].log_position

    def picture(self, sighting_id, index):
        self.pictures += 1
        if sighting_id == "none":
            raise NotFound("no sighting")
        return f"{sighting_id}/{index}".encode(), 1


def event(n, kind, **fields):
    return SiteEvent(f"{n}-0", n * SECOND, kind, **fields)


def followed(client, tmp_path, monkeypatch, until):
    monkeypatch.setattr(site_module, "_EVERY_S", 0.001)

    async def run():
        site = Site(client, LiveWatcher(tmp_path))
        task = asyncio.create_task(site.follow())
        for _ in range(2000):
            if until(site):
                break
            await asyncio.sleep(0.002)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return site

    return asyncio.run(run())


def test_events_are_followed_across_a_matcher_that_was_away(tmp_path, monkeypatch):
    decided = event(1, "sighting.decided", sighting_id="s1", identity_id="a", probability=0.9, evidence={"time": 1.0})
    merged = event(3, "identity.merged", identity_id="b", other_identity_id="a")
    client = Client([decided], MatcherUnavailable("gone"), [event(2, "sighting.put", sighting_id="s2"), merged])
    site = followed(client, tmp_path, monkeypatch, lambda site: site.identity_of("s1") == "b")
    assert site.identity_of("s1") == "b"
    assert site.identity_of("unknown") == ""
    assert site.decision("s1").evidence == {"time": 1.0}
    assert [found.kind for found in site.events] == ["identity.merged", "sighting.decided"]
    assert client.asked[:3] == ["", "1-0", "1-0"]
    assert site.corrections is None


def test_a_browser_gets_the_picture_whose_boxes_it_draws(tmp_path):
    class Live:
        moment = 0

        async def picture(self, camera_id, after_ns):
            self.moment += 1
            return LivePicture(b"%d" % self.moment, self.moment, 64, 36, ())

    async def run():
        site = Site(Client(), Live())
        for _ in range(20):
            await site.live_picture("north")
        return [site.shown_picture("north", at).jpeg for at in (20, 15, 3, 0)], site.shown_picture("south", 1)

    # What is too old is gone: the newest is better than nothing.
    assert asyncio.run(run()) == ([b"20", b"15", b"20", b"20"], None)


def test_a_vehicle_shows_from_each_camera_first():
    def seen(camera_id, quality):
        return SightingSummary(f"{camera_id}{quality}", "a", camera_id, 0, 1, VehicleClass.CAR, quality, 1, True)

    sightings = [seen("north", 0.9), seen("north", 0.8), seen("east", 0.1), seen("north", 0.7), seen("south", 0.5)]
    assert [s.sighting_id for s in best_of_each_camera(sightings, 4)] == ["north0.9", "south0.5", "east0.1", "north0.8"]


def test_labels_follow_a_merge_that_is_taken_back(tmp_path):
    site = Site(Client(), LiveWatcher(tmp_path))
    site._take([event(1, "sighting.decided", sighting_id="s1", identity_id="a")])
    site._take([event(2, "identity.merged", identity_id="b", other_identity_id="a")])
    assert site.identity_of("s1") == "b"
    site._take([event(3, "identity.unmerged", identity_id="b", other_identity_id="a")])
    assert site.identity_of("s1") == "a"


def test_pictures_are_kept_until_their_sighting_changes(tmp_path, monkeypatch):
    client = Client()
    site = Site(client, LiveWatcher(tmp_path))
    assert asyncio.run(site.picture("s1", 0)) == asyncio.run(site.picture("s1", 0)) == b"s1/0"
    assert client.pictures == 1
    assert asyncio.run(site.picture("none", 0)) is None
    site._take([event(1, "sighting.put", sighting_id="s1")])
    asyncio.run(site.picture("s1", 0))
    assert client.pictures == 3


def test_no_picture_is_kept_of_what_was_deleted(tmp_path):
    client = Client()
    site = Site(client, LiveWatcher(tmp_path))
    for name in ("s1", "s2"):
        assert asyncio.run(site.picture(name, 0)) == f"{name}/0".encode()
    site._take([event(1, "sighting.deleted", sighting_id="s1")])
    client.picture = lambda sighting_id, index: (_ for _ in ()).throw(NotFound("no sighting"))
    assert asyncio.run(site.picture("s1", 0)) is None
    assert asyncio.run(site.picture("s2", 0)) == b"s2/0"


def test_a_client_with_corrections_is_known_by_its_calls():
    class Able(Client):
        def identity_merge(self, survivor_id, absorbed_id, reason=""): ...
        def identity_split(self, identity_id, sighting_ids, reason=""): ...
        def identity_undo_last(self, identity_id, reason=""): ...
        def identity_history_page(self, identity_id, *, after_event_id="", limit=0): ...

    assert isinstance(Able(), Corrections)
    assert not isinstance(Client(), Corrections)


def sighting(camera, start_s, end_s):
    return SightingSummary(
        f"{camera}{start_s}", "a", camera, start_s * SECOND, end_s * SECOND, VehicleClass.CAR, 0.5, 1, True
    )


def link(left, reached, **changes):
    fields = {"trips": 12.0, "share": 0.6, "travel_median_s": 9.5, "travel_interval_s": (5.0, 21.0), "overlap": 0.02}
    fields |= {"offset_s": None, "offset_error_s": None, "pinned": False}
    return LinkReport(left, reached, **(fields | changes))


def test_a_link_is_told_in_words():
    assert link_cells(link("a", "b")) == (*("a", "b", "12", "60%", "9.5 s", "5.0 - 21.0 s", "2%", "not identifiable"),)
    told = link_cells(link("a", "b", travel_median_s=None, travel_interval_s=None, offset_s=-2.0, offset_error_s=0.5))
    assert told[4:] == ("views overlap", "views overlap", "2%", "-2.00 ± 0.50 s")


def test_drawings_are_svg_with_nothing_let_through():
    evil = '"><script>alert(1)</script>'
    visits = [Visit(evil, 0, SECOND), Visit("north", 5 * SECOND, 6 * SECOND)]
    cameras = [evil, "north", "east"]
    links = [link(evil, "north"), link("gone", "north")]
    boxes = boxes_svg([DrawnBox((1, 2, 30, 40), evil, "red", f"/identity/{evil}")], 640)
    for text in (route_svg(visits, "red"), topology_svg(cameras, links), f"<svg>{boxes}</svg>"):
        root = ElementTree.fromstring(text)
        assert not [node for node in root.iter() if "script" in node.tag]
    assert len(re.findall("<rect", route_svg(visits, "red"))) == 2
    assert topology_svg(cameras, links).count("vr-trip") == 1
    assert route_svg([], "red") == ""
    assert drawing.colour_of("a") == drawing.colour_of("a") != drawing.colour_of("b")
