import itertools
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from services.errors import SourceUnavailable
from services.ingest.cameras import CameraSettings
from services.ingest.source import open_source
from services.ingest.sources.container import exact_rate


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """40 frames at 20 per second whose grey value is 30 and five times their number, with B-frames."""
    path = tmp_path_factory.mktemp("clips") / "grey.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=20, options={"bf": "2", "g": "10", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(40):
            image = np.full((48, 64, 3), 30 + k * 5, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    return path


def read(path, **settings):
    ids = map("session-{}".format, itertools.count())
    source = open_source(CameraSettings(id="c1", url=str(path), **settings), lambda: next(ids))
    try:
        return list(source)
    finally:
        source.close()


def test_a_file_gives_every_frame_with_its_number(clip):
    frames = read(clip)
    assert [f.index for f in frames] == list(range(40))
    # Conversion from video levels darkens by up to 3.
    assert [round((float(f.image.mean()) - 27.5) / 5) for f in frames] == list(range(40))
    assert {(f.camera_id, f.session_id, f.clock, f.image.shape) for f in frames} == {
        ("c1", "session-0", "host", (48, 64, 3))
    }
    gaps = {b.captured_at_ns - a.captured_at_ns for a, b in itertools.pairwise(frames)}
    assert all(abs(gap - 50_000_000) <= 1 for gap in gaps)


def test_channels_are_blue_green_red(tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGB", (8, 6), (200, 20, 10)).save(path)
    frames = read(path)
    assert len(frames) == 30
    assert frames[0].image[0, 0].tolist() == [10, 20, 200]
    assert [f.index for f in frames] == list(range(30))
    assert frames[29].captured_at_ns - frames[0].captured_at_ns == 2_900_000_000


def test_a_cap_leaves_frames_out_and_keeps_their_numbers(clip):
    assert [f.index for f in read(clip, max_fps=10)] == list(range(0, 40, 2))
    third = [f.index for f in read(clip, max_fps=15)]
    assert len(third) <= 31
    assert third == sorted(set(third))


@pytest.mark.parametrize("name", ["no.mp4", "no.jpg"])
def test_a_missing_file(tmp_path, name):
    with pytest.raises(SourceUnavailable, match="no such file"):
        read(tmp_path / name)


@pytest.mark.parametrize("name", ["x.mp4", "x.jpg"])
@pytest.mark.parametrize("content", [b"", b"nonsense" * 500], ids=["empty", "nonsense"])
def test_a_file_that_is_neither_video_nor_image(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceUnavailable) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_gives_the_rest_or_says_so(clip, tmp_path):
    data = bytearray(clip.read_bytes())
    begin = data.index(b"mdat") + 900
    rng = np.random.default_rng(3)
    for k in rng.integers(begin, begin + 400, 60):
        data[k] = int(rng.integers(256))
    damaged = Path(tmp_path / "damaged.mp4")
    damaged.write_bytes(data)
    try:
        frames = read(damaged)
    except SourceUnavailable:
        return
    assert [f.index for f in frames] == sorted({f.index for f in frames})
    assert len(frames) <= 40


def test_a_playlist_cannot_reach_out_of_its_file(tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(SourceUnavailable):
        read(path, open_timeout_s=2, read_timeout_s=2)


@pytest.mark.parametrize(
    ("stated", "exact"),
    [
        ("29.97", "30000/1001"),
        ("2997/100", "30000/1001"),
        ("23.976", "24000/1001"),
        ("59.94", "60000/1001"),
        ("10", "10"),
        ("25", "25"),
        ("12.5", "12.5"),
        ("30", "30"),
        ("0.5", "0.5"),
    ],
)
def test_rounded_rates_become_exact(stated, exact):
    assert exact_rate(Fraction(stated)) == Fraction(exact)


def test_a_folder_is_a_frame_per_image_by_name(tmp_path, caplog):
    for number in (2, 0, 10, 1):
        Image.new("RGB", (8, 6), (number * 10, 0, 0)).save(tmp_path / f"{number:03}.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "004-other-size.png")
    (tmp_path / "005.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("not looked at")
    frames = read(tmp_path, image_fps=5.0)
    assert [frame.image[0, 0, 2] for frame in frames] == [0, 10, 20, 100]
    assert [frame.index for frame in frames] == [0, 1, 2, 5]
    assert frames[1].captured_at_ns - frames[0].captured_at_ns == 200_000_000
    assert caplog.text.count("left out") == 2


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(SourceUnavailable, match="no image in"):
        read(tmp_path)


def test_masks_cover_files_too(tmp_path):
    path = tmp_path / "red.png"
    Image.new("RGB", (8, 6), (200, 20, 10)).save(path)
    frames = read(path, mask=[((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0))])
    assert all(frame.image[3, 0].tolist() == [114] * 3 for frame in frames)
    assert frames[0].image[3, 7].tolist() == [10, 20, 200]
