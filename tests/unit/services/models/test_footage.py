"""Pictures are taken from all over the footage, and footage that cannot be read is named."""

import av
import cv2
import numpy as np
import pytest

from services.errors import ModelFileError, SourceUnavailable
from services.models.footage import spread_pictures


def clip(path, frames, keyframe_every=1000):
    """A clip whose frames brighten from black to white, so that a picture tells where it was taken."""
    with av.open(str(path), "w") as container:
        options = {"g": str(keyframe_every), "keyint_min": str(keyframe_every), "sc_threshold": "0", "crf": "10"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(frames):
            picture = np.full((48, 64, 3), round(255 * index / (frames - 1)), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode())
    return path


def places(pictures):
    return np.array([picture.mean() / 255 for picture in pictures])


@pytest.mark.parametrize("keyframe_every", [1000, 10, 1])
def test_a_clip_gives_pictures_from_beginning_to_end(tmp_path, keyframe_every):
    taken = list(spread_pictures([clip(tmp_path / "a.mp4", 200, keyframe_every)], 10))
    assert {(picture.shape, str(picture.dtype)) for picture in taken} == {((48, 64, 3), "uint8")}
    np.testing.assert_allclose(places(taken), np.arange(10) / 10 + 0.05, atol=0.06)


def test_of_a_clip_with_enough_keyframes_these_alone_are_taken(tmp_path):
    taken = list(spread_pictures([clip(tmp_path / "a.mp4", 200, 20)], 4))
    # In even steps of all pictures it would be 25, 75, 125 and 175.
    np.testing.assert_allclose(199 * places(taken), [20, 60, 120, 160], atol=4)


def test_what_is_missing_is_told_before_anything_is_read(tmp_path):
    with pytest.raises(SourceUnavailable, match=r"no such file: .*none\.mp4"):
        spread_pictures([tmp_path, tmp_path / "none.mp4"])


def test_a_short_clip_gives_all_that_it_has(tmp_path):
    assert len(list(spread_pictures([clip(tmp_path / "a.mp4", 7)], 100))) == 7


def test_every_clip_and_folder_has_its_share(tmp_path):
    folder = tmp_path / "stills"
    folder.mkdir()
    for index in range(30):
        cv2.imwrite(str(folder / f"{index:02d}.png"), np.full((20 + index, 30, 3), 255 * index // 29, np.uint8))
    (folder / "notes.txt").write_text("not looked at")
    taken = list(spread_pictures([clip(tmp_path / "a.mp4", 60), folder], 12))
    np.testing.assert_allclose(places(taken), 2 * [k / 6 + 1 / 12 for k in range(6)], atol=0.06)
    assert len({picture.shape for picture in taken[6:]}) == 6, "pictures of a folder may differ in size"
    assert len(list(spread_pictures([folder / "00.png", folder], 4))) == 3
    with pytest.raises(ModelFileError, match="at most 2 clips and folders"):
        list(spread_pictures(3 * [folder], 5))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b"no video"), "not a readable video"),
        (lambda path: path.mkdir(), "no picture in the folder"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, make, told):
    path = tmp_path / "yard.mp4"
    make(path)
    with pytest.raises(SourceUnavailable, match=told) as found:
        list(spread_pictures([path]))
    assert str(path) in str(found.value)


def test_sound_alone_and_a_broken_picture_are_named_too(tmp_path):
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    for path, told in ((sound, "no video stream"), (broken, "not a readable image")):
        with pytest.raises(SourceUnavailable, match=told) as found:
            list(spread_pictures([path]))
        assert str(path) in str(found.value)
