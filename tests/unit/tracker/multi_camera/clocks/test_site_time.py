"""Which cameras are believed what time it is."""

import pytest

from tracker.multi_camera.clocks.site_time import ARRIVALS, SiteTime

SECOND = 1_000_000_000
UTC = 1_700_000_000 * SECOND
FAR = 900 * SECOND


def at(seconds):
    return UTC + int(seconds * SECOND)


def seen(time, camera, end_s, arrived_s):
    time.see(camera, at(end_s), int(arrived_s * SECOND))
    time.go_on()
    return (time.now_ns - UTC) / SECOND


def test_it_is_as_late_as_the_newest_box():
    time = SiteTime(FAR)
    assert seen(time, "a", 10, 11) == 10
    assert seen(time, "b", 8, 12) == 10
    assert seen(time, "a", 5000, 5001) == 5000  # All were silent for long.


def test_a_clock_far_ahead_of_most_is_not_believed():
    time = SiteTime(FAR)
    for camera in ("a", "b"):
        seen(time, camera, 10, 11)
    assert seen(time, "c", 7210, 12) == 10
    assert time.ahead == ("c",)
    assert seen(time, "a", 1000, 1001) == 1000
    assert seen(time, "c", 8200, 1002) == 1000
    for n in range(ARRIVALS):  # Its clock is set right.
        assert seen(time, "c", 1010 + n, 1011 + n) >= 1000
    assert time.ahead == ()


def test_of_two_cameras_nobody_knows_which_is_wrong():
    time = SiteTime(FAR)
    seen(time, "a", 10, 11)
    assert seen(time, "b", 7210, 12) == 7210


def test_what_parked_and_is_told_late_sets_no_clock_back():
    time = SiteTime(FAR)
    for n in range(20):
        seen(time, "abc"[n % 3], 4000 + n, 4001 + n)
    assert seen(time, "a", 10, 4021) == 4019
    assert time.ahead == ()


def test_clocks_set_back_by_much_are_followed():
    time = SiteTime(FAR)
    for n in range(3 * ARRIVALS):
        seen(time, "abc"[n % 3], 9000 + n, n)
    after = [seen(time, "abc"[n % 3], n, 100 + n) for n in range(3 * ARRIVALS)]
    assert after[-1] == 3 * ARRIVALS - 1


def test_a_restart_goes_on():
    time = SiteTime(FAR)
    seen(time, "a", 20, 21)
    state, other = time.to_state(), SiteTime(FAR)
    other.restore(state, [at(7000)])
    assert other.now_ns == at(20)
    assert seen(other, "a", -2000, 5) == 20  # It parked.
    other.restore(None, [at(10), at(7000)])
    assert other.now_ns == at(7000)
    other.restore(None, [])
    assert other.now_ns == 0
    with pytest.raises(ValueError, match="the site's time cannot be read"):
        other.restore("{}", [])


def test_who_told_nothing_since_says_nothing_of_now():
    """Three of four cameras are quiet while the host's clock is set back."""
    time = SiteTime(FAR)
    for n in range(4 * ARRIVALS):
        seen(time, "abcd"[n % 4], 9000 + n, n)
    after = [seen(time, "a", 2000 + n, 2000 + n) for n in range(2 * ARRIVALS)]
    assert after[-1] == 2000 + 2 * ARRIVALS - 1
