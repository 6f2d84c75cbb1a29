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
