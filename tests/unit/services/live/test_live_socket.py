"""Board, socket and watcher together, over a real socket."""

import asyncio
import stat

import cv2
import numpy as np
import pytest

from detector.types import Detections, Frame, VehicleClass
from services.ingest.sightings import Outgoing
from services.live import server as live_server
from services.live.board import LiveBoard, LivePublisher, LiveTracker
from services.live.server import LiveServer
from services.live.watcher import LiveWatcher
from services.live.wire import live_folder, private_folder
from tracker.single_camera.settings import TrackerSettings
from tracker.types import TrackKey

SECOND = 1_000_000_000


def frame(index, *, width=96, camera="north", session="s1"):
    image = np.full((54, width, 3), index, np.uint8)
    return Frame(camera, session, index, SECOND + index * SECOND // 10, "host", image)


def car(x):
    box = np.array([[x, 10, x + 40, 40]], np.float32)
    return Detections(box, np.array([0.9], np.float32), np.array([VehicleClass.CAR], np.int64))


@pytest.fixture
def board():
    shown = LiveBoard()
    tracker = LiveTracker(shown, "north", "s1", TrackerSettings())
    for index in range(5):
        tracker.update(frame(index), car(10 + index))
    return shown


@pytest.fixture
def served(board, tmp_path):
    server = LiveServer(board, tmp_path)
    yield server
    server.close()


class Taken:
    def __init__(self):
        self.calls = []

    def submit(self, outgoing):
        self.calls.append(outgoing)

    def session_started(self, session_id):
        self.calls.append(session_id)

    def session_ended(self, session_id):
        self.calls.append(session_id)


def test_a_watcher_gets_the_newest_picture_with_its_boxes_once(board, served, tmp_path):
    (box,) = board.newest("north").boxes
    board.name(TrackKey("north", "s1", box.track_id), "sighting-1")

    async def watch():
        watcher = LiveWatcher(tmp_path)
        first = await watcher.picture("north")
        again = await watcher.picture("north", first.captured_at_ns)
        board.show(frame(9), ())
        later = await watcher.picture("north", first.captured_at_ns)
        found = (await watcher.cameras(), first, again, later, await watcher.picture("south"))
        watcher.close()
        return found

    cameras, first, again, later, none = asyncio.run(watch())
    assert cameras == ["north"]
    assert cv2.imdecode(np.frombuffer(first.jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (54, 96, 3)
    assert (first.width, first.height) == (96, 54)
    assert [(view.kind, view.sighting_id) for view in first.boxes] == [("car", "sighting-1")]
    assert first.boxes[0].xyxy[0] == pytest.approx(14, abs=2)
    assert again.jpeg == b""
    assert later.captured_at_ns > first.captured_at_ns
    assert later.boxes == ()
    assert none is None


def test_a_frame_is_encoded_only_for_who_watches_and_once_for_all(board, served, tmp_path, monkeypatch):
    encoded = []
    real = cv2.imencode
    monkeypatch.setattr(live_server.cv2, "imencode", lambda *a: encoded.append(1) or real(*a))
    board.show(frame(20), ())
    assert not encoded

    async def watch():
        watchers = [LiveWatcher(tmp_path) for _ in range(3)]
        found = [await watcher.picture("north") for watcher in watchers]
        for watcher in watchers:
            watcher.close()
        return found

    assert len({picture.jpeg for picture in asyncio.run(watch())}) == 1
    assert len(encoded) == 1


def test_wide_pictures_are_sent_smaller_and_boxes_stay_in_source_pixels(board, served, tmp_path):
    board.show(frame(30, width=1280), ())

    async def watch():
        watcher = LiveWatcher(tmp_path)
        found = await watcher.picture("north")
        watcher.close()
        return found

    found = asyncio.run(watch())
    assert found.width == 1280
    assert cv2.imdecode(np.frombuffer(found.jpeg, np.uint8), cv2.IMREAD_COLOR).shape[1] == 640


def test_only_this_user_can_reach_the_socket_and_it_goes_away(board, tmp_path):
    server = LiveServer(board, tmp_path)
    assert stat.S_IMODE(server.path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
    server.close()
    assert not server.path.exists()
    assert asyncio.run(LiveWatcher(tmp_path).cameras()) == []


def test_a_socket_that_a_killed_process_left_is_swept(board, tmp_path):
    dead = LiveServer(board, tmp_path)
    orphan = dead.path.with_name("1.sock")
    dead.path.rename(orphan)
    dead.close()
    server = LiveServer(board, tmp_path)
    assert not orphan.exists()
    server.close()


def test_a_long_data_folder_gets_a_short_one_for_sockets(tmp_path):
    long = tmp_path / ("x" * 90)
    assert len(str(live_folder(long) / "1234567.sock").encode()) < 107
    assert live_folder(long) == live_folder(long)
    (tmp_path / "link").symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="not this user's folder"):
        private_folder(tmp_path / "link")


def test_the_publisher_tells_the_board_and_passes_everything_on(board):
    taken = Taken()
    publisher = LivePublisher(board, taken)
    (box,) = board.newest("north").boxes

    class Named:
        track_keys = (TrackKey("north", "s1", box.track_id),)
        sighting_id = "sighting-2"

    outgoing = Outgoing(Named())
    publisher.session_started("s1")
    publisher.submit(outgoing)
    publisher.session_ended("s1")
    assert taken.calls == ["s1", outgoing, "s1"]
    assert board.newest("north").sighting_ids == ("sighting-2",)


def test_who_leaves_in_the_middle_of_a_question_shifts_no_answers(board, served, tmp_path):
    board.show(frame(1, width=48, camera="south"), ())

    async def leave_and_ask():
        watcher = LiveWatcher(tmp_path)
        await watcher.cameras()
        wanted = []
        for turn in range(20):
            leaving = asyncio.create_task(watcher.picture("south"))
            for _ in range(turn % 5 + 1):  # at another place of the exchange each time
                await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
            wanted.append((await watcher.picture("north")).width)
        watcher.close()
        return wanted

    assert asyncio.run(leave_and_ask()) == [96] * 20


def test_a_camera_that_moved_to_another_process_is_found_there(board, served, tmp_path, monkeypatch):
    other = LiveBoard()
    monkeypatch.setattr(live_server, "socket_name", lambda *_: "other.sock")
    second = LiveServer(other, tmp_path)

    async def watch():
        watcher = LiveWatcher(tmp_path)
        before = await watcher.picture("north")
        other.show(frame(7), ())
        board.forget("north")
        found = [await watcher.picture("north") for _ in range(2)]
        watcher.close()
        return before, found[-1]

    before, after = asyncio.run(watch())
    second.close()
    assert board.newest("north") is None
    assert after.captured_at_ns > before.captured_at_ns
