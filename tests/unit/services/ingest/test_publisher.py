import itertools
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from ingest_fakes import FlakyStore, HueEmbedder, crop, tracklet

from services.crops import CropStore
from services.identity.ingest_board import MemoryIngestBoard
from services.identity.store import CameraRecord
from services.ingest.cameras import CameraSettings
from services.ingest.publisher import SightingPublisher
from services.ingest.settings import IngestSettings
from services.ingest.sharing import CameraShare
from services.ingest.sightings import SightingBuilder


def until(condition, timeout_s=20.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def store():
    return FlakyStore()


@pytest.fixture
def crops(tmp_path):
    return CropStore(str(tmp_path / "crops"))


@pytest.fixture
def builder():
    ids = itertools.count()
    return SightingBuilder(HueEmbedder(), lambda: f"s{next(ids)}", IngestSettings())


@pytest.fixture
def make(store, crops):
    made = []

    def build(records=tuple, owner="me", **settings):
        chosen = IngestSettings(**settings)
        cameras = [CameraSettings(id="cam1", url="rtsp://h/1")]
        share = CameraShare(store, MemoryIngestBoard(), chosen, owner, cameras)
        publisher = SightingPublisher(store, crops, chosen, owner, share, records)
        made.append(publisher)
        return publisher

    yield build
    store.away = False
    for publisher in made:
        publisher.close(5.0)


def outgoing(builder, **kwargs):
    return builder.build([(tracklet(**kwargs), (640, 360))])[0]


def test_what_is_submitted_arrives_with_its_crops(make, store, crops, builder):
    publisher = make()
    publisher.start()
    first = outgoing(builder)
    publisher.submit(first)
    assert publisher.close(10.0)
    assert store.get_sighting(first.sighting.sighting_id).crop_keys == first.sighting.crop_keys
    assert crops.get(first.sighting.crop_keys[0])[:2] == b"\xff\xd8"
    assert publisher.counts().acknowledged == 1


def test_crops_that_no_revision_names_any_more_are_removed(make, store, crops, builder, tmp_path):
    publisher = make()
    publisher.start()
    publisher.submit(outgoing(builder, crops=[crop(0)]))
    publisher.submit(last := outgoing(builder, crops=[crop(5)], revision=2))
    assert publisher.close(10.0)
    assert [path.stem for path in tmp_path.rglob("*.jpg")] == list(last.sighting.crop_keys)


def test_while_the_store_is_away_sightings_wait_and_then_arrive_once(make, store, builder):
    publisher = make()
    publisher.start()
    store.away = True
    for i in range(20):
        publisher.submit(outgoing(builder, track_id=i))
    publisher.submit(outgoing(builder, track_id=3, revision=2, final=True))
    time.sleep(0.1)
    assert publisher.counts().acknowledged == 0
    store.away = False
    until(lambda: publisher.counts().acknowledged == 20)
    assert publisher.counts().superseded == 1
    assert store.get_sighting("s3").final
    assert publisher.close(5.0)


def test_a_lost_reply_is_repeated_and_changes_nothing(make, store, builder):
    publisher = make()
    store.lost_replies = 1
    publisher.start()
    publisher.submit(outgoing(builder))
    assert publisher.close(10.0)
    assert store.puts == {("s0", 1): 2}
    assert publisher.counts().replayed == 1
    assert len(store.read_work("0-0", 10, 0)) == 1


def test_a_full_spool_drops_the_oldest_and_counts_it(make, store, builder):
    store.away = True
    publisher = make(spool_sightings=5)
    publisher.start()
    for i in range(8):
        publisher.submit(outgoing(builder, track_id=i))
    time.sleep(0.05)
    store.away = False
    assert not publisher.close(10.0)
    assert publisher.counts().dropped == {"spool_full": 3}
    assert sorted(sighting.sighting_id for sighting, _ in store.scan_sightings()) == ["s3", "s4", "s5", "s6", "s7"]


def test_a_sighting_whose_last_revision_was_lost_ends_with_what_the_store_has(make, store, builder):
    """It would count as in view, and be kept, for as long as its camera's session lives."""
    publisher = make(spool_sightings=2, record_interval_s=0.01)
    publisher.start()
    publisher.submit(outgoing(builder, track_id=0))
    publisher.submit(outgoing(builder, track_id=1))
    until(lambda: publisher.counts().acknowledged == 2)
    store.away = True
    publisher.submit(outgoing(builder, track_id=0, revision=2, final=True))
    for track_id in range(2, 6):
        publisher.submit(outgoing(builder, track_id=track_id))
    until(lambda: publisher.counts().dropped["spool_full"] >= 2)
    store.away = False
    until(lambda: store.get_sighting("s0").final)
    assert store.get_sighting("s0").revision == 1
    assert not store.get_sighting("s1").final


def test_what_waits_for_a_camera_that_another_process_took_is_dropped(make, store, builder):
    publisher = make()
    publisher.start()
    publisher.submit(outgoing(builder))
    until(lambda: publisher.counts().acknowledged == 1)
    store._leases.clear()
    assert store.acquire_lease("camera:cam1", "other", 60)
    publisher.submit(outgoing(builder, track_id=2))
    until(lambda: publisher.counts().dropped)
    assert publisher.error is None
    assert not publisher.close(1.0)
    assert publisher.counts().dropped == {"lease_lost": 1}
    assert store.get_sighting("s1") is None


def test_a_lease_that_only_ran_out_is_taken_again(make, store, builder):
    publisher = make()
    publisher.start()
    publisher.submit(outgoing(builder))
    until(lambda: publisher.counts().acknowledged == 1)
    store._fences["camera:cam1"] += 1
    store._leases.clear()
    publisher.submit(outgoing(builder, track_id=2))
    assert publisher.close(10.0)
    assert store.get_sighting("s1") is not None


def test_a_camera_that_another_process_reads_is_taken_when_it_is_free(make, store, builder):
    other = store.acquire_lease("camera:cam1", "other", 60)
    publisher = make()
    publisher.start()
    until(lambda: publisher._share.wanted and store.lease_token("camera:cam1") == other.token)
    assert publisher._share.held == {}
    store.release_lease(other)
    until(lambda: publisher._share.held)
    publisher.submit(outgoing(builder))
    assert publisher.close(5.0)
    assert store.puts


def test_sessions_hold_a_lease_while_they_live(make, store):
    publisher = make()
    publisher.start()
    publisher.session_started("abc")
    until(lambda: store.lease_token("session:abc") is not None)
    assert publisher.close(5.0)
    assert store.lease_token("session:abc") is None
    assert store.lease_token("camera:cam1") is None


def test_cameras_are_written_at_the_end_too(make, store):
    state = ["up"]

    def records():
        return [CameraRecord("cam1", "rtsp://x", "file", state[0], "", 0, {"vehicles": 1.0})]

    publisher = make(records)
    publisher.start()
    until(lambda: store.list_cameras() and store.list_cameras()[0].state == "up")
    state[0] = "ended"
    publisher.close(5.0)
    assert store.list_cameras()[0].state == "ended"


def test_crops_that_cannot_be_written_do_not_hold_up_the_sighting(make, store, crops, builder, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(crops, "put_jpeg", full)
    publisher = make()
    publisher.start()
    publisher.submit(outgoing(builder))
    assert publisher.close(10.0)
    assert store.get_sighting("s0").crop_keys == ()
    assert publisher.counts().crops_failed == 1


@pytest.fixture
def disk(crops, monkeypatch):
    """Has room for ``left`` more pictures; None for any number."""
    room = SimpleNamespace(left=None)
    write = crops.put_jpeg

    def put_jpeg(key, data):
        if room.left is not None:
            if room.left == 0:
                raise OSError("no space left on device")
            room.left -= 1
        write(key, data)

    monkeypatch.setattr(crops, "put_jpeg", put_jpeg)
    return room


def test_crops_that_could_not_be_written_come_with_the_next_revision(make, store, crops, builder, disk):
    publisher = make()
    publisher.start()
    disk.left = 0
    publisher.submit(outgoing(builder, crops=[crop(0), crop(3)]))
    until(lambda: publisher.counts().acknowledged == 1)
    disk.left = None
    publisher.submit(last := outgoing(builder, crops=[crop(0), crop(3), crop(7)], revision=2, final=True))
    assert publisher.close(10.0)
    assert store.get_sighting("s0").crop_keys == last.sighting.crop_keys
    assert all(crops.has(key) for key in last.sighting.crop_keys)


def test_a_revision_names_only_pictures_that_are_there(make, store, crops, builder, disk):
    publisher = make()
    publisher.start()
    publisher.submit(first := outgoing(builder, crops=[crop(0)]))
    until(lambda: publisher.counts().acknowledged == 1)
    disk.left = 1
    publisher.submit(last := outgoing(builder, crops=[crop(0), crop(3), crop(7)], revision=2, final=True))
    assert publisher.close(10.0)
    found = store.get_sighting("s0")
    assert set(found.crop_keys) < set(last.sighting.crop_keys)
    assert set(first.sighting.crop_keys) < set(found.crop_keys)
    assert len(found.crop_keys) == len(found.exemplars) == 2
    assert all(crops.has(key) for key in found.crop_keys)


def test_the_pictures_of_a_dropped_revision_come_with_the_next_one(make, store, crops, builder):
    store.away = True
    publisher = make(spool_sightings=1)
    publisher.start()
    publisher.submit(outgoing(builder, crops=[crop(0), crop(3)]))
    publisher.submit(outgoing(builder, track_id=2))
    store.away = False
    publisher.submit(last := outgoing(builder, crops=[crop(0), crop(3), crop(7)], revision=2, final=True))
    publisher.close(10.0)
    assert store.get_sighting("s0").crop_keys == last.sighting.crop_keys
    assert all(crops.has(key) for key in last.sighting.crop_keys)


def test_nothing_is_owed_to_a_session_that_ended(make, store, builder):
    store.away = True
    publisher = make(spool_sightings=1)
    publisher.submit(outgoing(builder))
    publisher.submit(outgoing(builder, track_id=2))
    assert list(publisher._owed) == ["s0"]
    publisher.session_ended("s1")
    assert not publisher._owed


@pytest.fixture
def corrected(store):
    """Stores a correction of the sighting s0, as a client's update does."""

    def correct():
        found = store.get_sighting("s0")
        lease = store.acquire_lease("correction:s0", "client", 60)
        assert store.put_sighting(replace(found, revision=found.revision + 1, colour={"green": 1.0}), lease).accepted

    return correct


def test_a_revision_that_came_after_a_correction_is_lost_and_costs_no_picture(make, store, crops, builder, corrected):
    publisher = make()
    publisher.start()
    publisher.submit(first := outgoing(builder, crops=[crop(0)]))
    until(lambda: publisher.counts().acknowledged == 1)
    corrected()
    publisher.submit(last := outgoing(builder, crops=[crop(5)], revision=2, final=True))
    assert not publisher.close(10.0)
    assert publisher.counts().dropped == {"outdated": 1}
    assert publisher.counts().acknowledged == 1
    assert store.get_sighting("s0").crop_keys == first.sighting.crop_keys
    assert [crops.has(key) for key in (*first.sighting.crop_keys, *last.sighting.crop_keys)] == [True, False]


def test_the_revision_after_one_that_a_correction_overtook_has_all_its_pictures(
    make, store, crops, builder, corrected, tmp_path
):
    publisher = make()
    publisher.start()
    publisher.submit(outgoing(builder, crops=[crop(0)]))
    until(lambda: publisher.counts().acknowledged == 1)
    corrected()
    publisher.submit(outgoing(builder, crops=[crop(5)], revision=2))
    until(lambda: publisher.counts().dropped)
    publisher.submit(last := outgoing(builder, crops=[crop(5), crop(9)], revision=3, final=True))
    publisher.close(10.0)
    assert store.get_sighting("s0").crop_keys == last.sighting.crop_keys
    assert {path.stem for path in tmp_path.rglob("*.jpg")} == set(last.sighting.crop_keys)


def test_no_picture_is_left_of_a_sighting_that_was_deleted_meanwhile(make, store, crops, builder):
    publisher = make()
    publisher.start()
    publisher.submit(outgoing(builder, crops=[crop(0)]))
    until(lambda: publisher.counts().acknowledged == 1)
    store.delete_sighting("s0", "client")
    publisher.submit(last := outgoing(builder, crops=[crop(0), crop(5)], revision=2))
    assert publisher.close(10.0)
    assert not crops.has(last.sighting.crop_keys[-1])


def test_what_was_deleted_while_its_vehicle_had_no_news_stays_out_for_good(make, store, crops, builder):
    publisher = make(record_interval_s=0.02)
    publisher.start()
    publisher.session_started("s1")
    publisher.submit(outgoing(builder, crops=[crop(0)]))
    until(lambda: publisher.counts().acknowledged == 1)
    assert publisher.deleted() == set()
    store.delete_sighting("s0", "client", cause="erase")
    found = set()
    until(lambda: found.update(publisher.deleted()) or found == {"s0"})
    store.trim(0, store.now_ns() + 10**9, 0)
    publisher.submit(last := outgoing(builder, crops=[crop(0), crop(5)], revision=2, final=True))
    assert publisher.close(10.0)
    assert store.get_sighting("s0") is None
    assert not crops.has(last.sighting.crop_keys[-1])
    assert publisher.deleted() == set()


def test_a_refused_revision_tells_that_its_sighting_was_deleted(make, store, builder):
    publisher = make(record_interval_s=60)
    publisher.start()
    publisher.submit(outgoing(builder))
    until(lambda: publisher.counts().acknowledged == 1)
    store.delete_sighting("s0", "client")
    publisher.submit(outgoing(builder, revision=2))
    until(lambda: publisher.counts().acknowledged == 2)
    assert publisher.deleted() == {"s0"}


def test_closing_does_not_wait_for_ever(make, store, builder):
    store.away = True
    publisher = make()
    publisher.start()
    publisher.submit(outgoing(builder))
    assert not publisher.close(0.1)
    assert publisher.counts().dropped == {"deadline": 1}
