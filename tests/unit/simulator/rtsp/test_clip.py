from fractions import Fraction

import pytest

from simulator.rtsp.clip import AccessUnit, Clip, ClipError, load_clip, split_nals


def test_loads_every_frame_once_with_keyframes_and_parameter_sets(encode_clip):
    clip = load_clip(encode_clip(frames=24, gop=6))
    assert (len(clip), clip.fps, clip.width, clip.height) == (24, Fraction(12), 64, 48)
    assert clip.keyframes == (0, 6, 12, 18)
    assert clip.reorder == 0
    assert [nal[0] & 0x1F for nal in clip.parameter_sets] == [7, 8]
    assert all(unit.nals and not {nal[0] & 0x1F for nal in unit.nals} & {7, 8, 9} for unit in clip.units)


def test_b_frames_keep_display_numbers_in_decoding_order(encode_clip):
    clip = load_clip(encode_clip(b_frames=2))
    numbers = [unit.frame for unit in clip.units]
    assert numbers != sorted(numbers)
    assert sorted(numbers) == list(range(24))
    assert clip.reorder >= 1


@pytest.mark.parametrize("content", [b"", b"not a video at all" * 100])
def test_what_is_no_video_is_one_error(tmp_path, content):
    path = tmp_path / "x.mp4"
    path.write_bytes(content)
    with pytest.raises(ClipError, match=r"x\.mp4"):
        load_clip(path)


def test_missing_file(tmp_path):
    with pytest.raises(ClipError, match=r"gone\.mp4"):
        load_clip(tmp_path / "gone.mp4")


def test_other_codecs_are_refused(encode_clip):
    with pytest.raises(ClipError, match="expected h264"):
        load_clip(encode_clip("mpeg4.mp4", codec="mpeg4"))


def test_a_gap_between_frames_is_refused():
    units = (AccessUnit(0, True, (b"\x65",)), AccessUnit(2, False, (b"\x41",)))
    with pytest.raises(ClipError, match="evenly spaced"):
        Clip(Fraction(10), 64, 48, (b"\x67abc", b"\x68"), units)


def test_split_nals_handles_both_start_codes_and_keeps_content():
    assert split_nals(b"\0\0\0\1ab\0\0\3c\0\0\1d") == (b"ab\0\0\3c", b"d")
    assert split_nals(b"") == ()


def test_keyframe_at_or_before(make_clip):
    clip = make_clip(frames=10, keyframes=(0, 4, 8))
    assert [clip.keyframe_at_or_before(k) for k in (0, 3, 4, 7, 8, 9)] == [0, 0, 4, 4, 8, 8]
