"""What each camera adds to its vectors, and when that is worked out anew."""

import numpy as np

from tracker.multi_camera.scoring.camera_means import CameraMeans

CAMERAS = "abcdefgh"


def vectors(camera_id, count, seed=0):
    rng = np.random.default_rng((seed, CAMERAS.index(camera_id)))
    found = rng.normal(size=(count, 8)) + 2.0 * np.eye(8)[CAMERAS.index(camera_id)]
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def shown(means, rounds, seed=0):
    """Rounds in which every camera sees one vehicle; counts how often the shifts were renewed."""
    seen = {camera_id: vectors(camera_id, rounds, seed) for camera_id in CAMERAS}
    return sum(means.add(camera_id, seen[camera_id][k]) for k in range(rounds) for camera_id in CAMERAS)


def test_cameras_that_count_alike_do_not_renew_in_turn():
    means = CameraMeans(minimum=20)
    assert shown(means, 19) == 0
    # The first two make the shifts; the others wait until a quarter more was seen, not each for its own.
    assert shown(means, 7, seed=1) == 2


def test_a_shift_takes_off_most_of_what_a_camera_adds():
    means = CameraMeans(minimum=20)
    shown(means, 80)
    assert means.take_over(1.0) == list(CAMERAS)
    alike = [means.remove(camera_id, vectors(camera_id, 50, seed=2)).mean(axis=0) for camera_id in "ab"]
    raw = [vectors(camera_id, 50, seed=2).mean(axis=0) for camera_id in "ab"]
    assert np.linalg.norm(alike[0] - alike[1]) < 0.6 * np.linalg.norm(raw[0] - raw[1])


def test_what_was_counted_goes_on_after_a_restart():
    whole, first, second = (CameraMeans(minimum=20) for _ in range(3))
    shown(first, 30)
    second.load(first.all_links())
    shown(whole, 30)
    assert shown(second, 30, seed=3) == shown(whole, 30, seed=3)
    assert second.all_links() == whole.all_links()


def test_renewed_shifts_are_taken_over_a_part_at_a_time_and_those_that_wait_longest_first():
    means = CameraMeans(minimum=20)
    assert shown(means, 80)
    taken = [means.take_over(0.2) for _ in range(5)]
    # A fifth of eight cameras is one and a half: what is left over counts for the next.
    assert taken == [["a"], ["b", "c"], ["d"], ["e", "f"], ["g", "h"]]
    assert means.take_over(1.0) == []
    raw = vectors("h", 3)
    assert not np.array_equal(means.remove("h", raw), raw)


def test_a_shift_has_no_effect_before_it_is_taken_over():
    means = CameraMeans(minimum=20)
    shown(means, 80)
    means.take_over(0.5)
    raw = vectors("h", 3)
    np.testing.assert_array_equal(means.remove("h", raw), raw)


def test_a_restart_takes_over_what_waited():
    first, second = CameraMeans(minimum=20), CameraMeans(minimum=20)
    shown(first, 80)
    first.take_over(0.25)
    second.load(first.all_links())
    first.take_over(1.0)
    for camera_id in CAMERAS:
        raw = vectors(camera_id, 3, seed=4)
        np.testing.assert_array_equal(second.remove(camera_id, raw), first.remove(camera_id, raw))
    assert second.take_over(1.0) == []
