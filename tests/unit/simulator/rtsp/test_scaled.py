import pytest

from simulator.rtsp.clip import ClipError, load_clip
from simulator.rtsp.scaled import scaled_clip


def test_a_scaled_clip_has_the_same_frames_and_keyframes_at_another_size(encode_clip, tmp_path):
    clip = load_clip(encode_clip(gop=5))
    scaled = scaled_clip(clip, (32, 24), tmp_path / "cache")
    assert (scaled.width, scaled.height, scaled.fps) == (32, 24, clip.fps)
    assert scaled.keyframes == clip.keyframes == (0, 5, 10, 15, 20)
    assert len(scaled) == len(clip)
    assert scaled.reorder == 0
    assert scaled.parameter_sets != clip.parameter_sets


def test_it_is_encoded_once(encode_clip, tmp_path):
    clip = load_clip(encode_clip())
    once = scaled_clip(clip, (32, 24), tmp_path / "cache")
    (file,) = (tmp_path / "cache").iterdir()
    written = file.stat().st_mtime_ns
    assert scaled_clip(clip, (32, 24), tmp_path / "cache") == once
    assert file.stat().st_mtime_ns == written
    scaled_clip(clip, (16, 16), tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_b_frames_are_put_in_order(encode_clip, tmp_path):
    scaled = scaled_clip(load_clip(encode_clip(b_frames=2)), (32, 24), tmp_path)
    assert [unit.frame for unit in scaled.units] == list(range(24))


def test_what_cannot_be_decoded_or_written_is_an_error(make_clip, encode_clip, tmp_path):
    with pytest.raises(ClipError, match="cannot be scaled to 32x24"):
        scaled_clip(make_clip(), (32, 24), tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())
    (tmp_path / "file").write_text("")
    with pytest.raises(ClipError, match="cannot be scaled to 32x24"):
        scaled_clip(load_clip(encode_clip()), (32, 24), tmp_path / "file")
