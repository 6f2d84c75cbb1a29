from itertools import islice

import pytest

from simulator.rtsp.auth import Credentials
from simulator.rtsp.camera import Camera
from simulator.rtsp.clip import ClipError, load_clip
from simulator.rtsp.faults.kinds import Drop, Password, Resolution, Restart, Stall
from simulator.rtsp.faults.schedule import Active
from simulator.rtsp.timeline import Timeline

OWN = Credentials("me", "own")


@pytest.fixture
def camera(make_clip):
    return Camera("c1", Timeline(make_clip(), 0, loop=True), OWN)


def hold(camera, *faults):
    camera.faults = tuple(Active(fault, k, 0) for k, fault in enumerate(faults))


@pytest.mark.parametrize(
    ("fault", "refusal", "mute"),
    [
        (Drop(), "reset", True),
        (Drop(how="refuse"), 503, True),
        (Drop(how="missing"), 404, True),
        (Drop(how="silent"), "silent", True),
        (Restart(), "reset", True),
        (Stall(), None, True),
        (Password(), None, False),
    ],
)
def test_what_clients_find(camera, fault, refusal, mute):
    assert (camera.refusal, camera.mute) == (None, False)
    hold(camera, fault)
    assert (camera.refusal, camera.mute) == (refusal, mute)


def test_credentials_change_and_change_back(camera):
    hold(camera, Password(user="you", password="other"))
    assert camera.credentials == Credentials("you", "other")
    hold(camera, Password())
    assert camera.credentials == camera.credentials
    assert camera.credentials.password not in ("", "own")
    hold(camera)
    assert camera.credentials == OWN


def test_another_clip_begins_at_its_keyframe_and_numbers_go_on(encode_clip, tmp_path):
    clip = load_clip(encode_clip(gop=6))
    camera = Camera("c1", Timeline(clip, 0, loop=True), None)
    camera.prepare([Resolution()], tmp_path)
    pictures = camera.pictures(0)
    before = list(islice(pictures, 3))
    hold(camera, Resolution())
    during = list(islice(pictures, 13))
    hold(camera)
    after = list(islice(pictures, 10))
    shown = before + during + after
    assert [s.frame for s in shown] == list(range(26))
    assert [s.rtp_time for s in shown] == [camera.own_timeline.rtp_time(k) for k in range(26)]
    small = camera._others[32, 24].clip
    played = [s.parameter_sets for s in shown if s.parameter_sets]
    assert played == [
        clip.parameter_sets,
        small.parameter_sets,
        small.parameter_sets,
        clip.parameter_sets,
        clip.parameter_sets,
    ]


def test_a_clip_that_does_not_fit_is_refused(encode_clip, tmp_path):
    camera = Camera("c1", Timeline(load_clip(encode_clip()), 0, loop=True), None)
    with pytest.raises(ClipError, match=r"camera c1: other\.mp4 has 10 frames/s, the camera's 12"):
        camera.prepare([Resolution(clip=encode_clip("other.mp4", fps=10))])
    with pytest.raises(ClipError, match=r"camera c1: none\.mp4: No such file"):
        camera.prepare([Resolution(clip=tmp_path / "none.mp4")])
