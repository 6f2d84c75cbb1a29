import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.errors import LeaseLost, StoreUnavailable
from services.identity.ingest_board import MemoryIngestBoard
from services.identity.memory_store import MemoryStore
from services.ingest.cameras import CameraSettings
from services.ingest.settings import IngestSettings
from services.ingest.sharing import CameraShare

TTL_S = 5.0


def cameras(count):
    return [CameraSettings(id=f"c{k}", url=f"rtsp://h/{k}") for k in range(count)]


class Site:
    """A store, a board and a clock that the processes of a test share."""

    def __init__(self, count=4):
        self.now_s = 1000.0
        self.store = MemoryStore(lambda: round(self.now_s * 1e9))
        self.board = MemoryIngestBoard(lambda: self.now_s)
        self.configured = cameras(count)

    def process(self, owner, **kwargs):
        chosen = IngestSettings(lease_ttl_s=TTL_S)
        return CameraShare(
            self.store, self.board, chosen, owner, self.configured, monotonic_s=lambda: self.now_s, **kwargs
        )

    def live(self, *processes, seconds=4.0):
        """Each keeps its share every second, and leaves at once what it no longer holds."""
        for _ in range(int(seconds)):
            self.now_s += 1.0
            for each in processes:
                each.keep()
                for name in set(each._leases) - set(each.held):
                    each.leave(name)
                each.release(lambda _: False)


def names(*processes):
    return [sorted(each.held) for each in processes]


def test_one_process_reads_all():
    site = Site()
    one = site.process("one")
    site.live(one, seconds=1)
    assert names(one) == [["c0", "c1", "c2", "c3"]]
    assert one.lease_of("c0").name == "camera:c0"


def test_a_second_process_gets_half_and_no_camera_has_two_readers():
    site = Site(5)
    one, two = site.process("one"), site.process("two")
    site.live(one)
    site.live(one, two)
    assert sorted(map(len, names(one, two))) == [2, 3]
    assert set(one.held).isdisjoint(two.held)


def test_a_killed_process_loses_its_cameras_within_the_time_to_live():
    site = Site(6)
    one, two = site.process("one"), site.process("two")
    site.live(one)
    site.live(one, two)
    site.live(one, seconds=TTL_S + 2)
    assert len(one.held) == 6


def test_one_that_ends_gives_back_at_once():
    site = Site()
    one, two = site.process("one"), site.process("two")
    site.live(one, two)
    two.close()
    site.live(one, seconds=2)
    assert len(one.held) == 4


def test_the_old_reader_s_token_is_refused_after_the_move():
    site = Site(1)
    one, two = site.process("one"), site.process("two")
    site.live(one, seconds=1)
    old = one.lease_of("c0")
    site.live(two, seconds=TTL_S + 2)
    assert two.lease_of("c0").token > old.token
    one.keep()
    assert one.held == {}
    with pytest.raises(LeaseLost, match="another process reads camera c0"):
        one.retake("c0")


def test_a_restart_under_the_same_name_has_its_cameras_at_once():
    site = Site()
    site.live(site.process("one"), seconds=1)
    again = site.process("one")
    again.keep()
    assert len(again.held) == 4


def test_after_an_outage_former_readers_go_first():
    site = Site(2)
    one, two = site.process("one"), site.process("two")
    site.live(one, two)
    (mine,), (theirs,) = names(one, two)
    site.now_s += 60.0
    one.outage()
    two.outage()
    one.keep()
    assert names(one) == [[mine]], "the other's camera is free, but its holder will come back"
    two.keep()
    assert names(one, two) == [[mine], [theirs]]


def test_what_still_waits_holds_the_lease_back():
    site = Site(1)
    one = site.process("one")
    site.live(one, seconds=1)
    site.board.set_camera("c0", "")
    one.keep()
    assert one.held == {}
    one.leave("c0")
    one.release(lambda _: True)
    assert site.store.lease_token("camera:c0") is not None
    one.release(lambda _: False)
    assert site.store.lease_token("camera:c0") is None


def test_cameras_come_and_go_at_run_time(caplog):
    site = Site(2)
    one = site.process("one")
    added = CameraSettings(id="extra", url="rtsp://h/extra", origin="runtime")
    site.board.set_camera("extra", added.model_dump_json())
    site.board.set_camera("c1", "")
    site.board.set_camera("broken", '{"id": "broken"}')
    site.live(one, seconds=3)
    assert names(one) == [["c0", "extra"]]
    assert one.held["extra"] == added
    assert caplog.text.count("camera broken") == 1
    site.board.unset_camera("c1")
    site.board.unset_camera("extra")
    site.live(one, seconds=3)
    assert names(one) == [["c0", "c1"]]


def test_changed_settings_are_held_as_they_are_now():
    site = Site(1)
    one = site.process("one")
    site.live(one, seconds=1)
    moved = CameraSettings(id="c0", url="rtsp://elsewhere/0", origin="runtime")
    site.board.set_camera("c0", moved.model_dump_json())
    site.live(one, seconds=1)
    assert one.held == {"c0": moved}


def test_a_run_that_ends_with_its_cameras_takes_them_all():
    site = Site()
    other, one = site.process("other"), site.process("one", alone=True)
    site.board.join("main", "other", 60)
    site.live(one, seconds=1)
    assert len(one.held) == 4
    site.live(other, seconds=1)
    assert other.held == {}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans()), min_size=1, max_size=10))
def test_whoever_comes_and_goes_no_camera_has_two_readers_and_none_is_left_over(count, story):
    site = Site(count)
    everyone = {name: site.process(name) for name in "abc"}
    alive = set()
    for name, comes in story:
        (alive.add if comes else alive.discard)(name)
        site.live(*(everyone[each] for each in sorted(alive)), seconds=3)
        held = [camera for each in alive for camera in everyone[each].held]
        assert len(held) == len(set(held))
    if alive:
        site.live(*(everyone[each] for each in sorted(alive)), seconds=3 * TTL_S)
        held = [camera for each in alive for camera in everyone[each].held]
        assert sorted(held) == [f"c{k}" for k in range(count)]
        sizes = sorted(len(everyone[each].held) for each in alive)
        assert sizes[-1] <= -(-count // len(alive))


def test_an_absent_store_is_told():
    class Away(MemoryIngestBoard):
        def join(self, group, owner, ttl_s):
            raise StoreUnavailable("away")

    site = Site()
    site.board = Away()
    with pytest.raises(StoreUnavailable):
        site.process("one").keep()
