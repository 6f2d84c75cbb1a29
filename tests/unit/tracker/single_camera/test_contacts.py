"""When a track may have changed over, and what its pictures say about it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reid.types import Calibration
from tracker.single_camera.contacts import ContactLog
from tracker.single_camera.jumps import find_jump
from tracker.single_camera.parts import class_shares, divide, joined
from tracker.types import Contact, Crop, TrackKey, Tracklet

CALIBRATION = Calibration(slope=20.0, offset=-10.0, limit=8.0)
FULL = np.ones(4)


def _votes(*counts):
    return np.array(counts, np.float32)


def _log(rows):
    """(time, x, touching) rows to a log; every box votes 1 for the first class."""
    log, edges = ContactLog(), []
    for seen, (t, x, touching) in enumerate(rows):
        if log.observe((t, seen, (x, 0.0, x + 50.0, 30.0)), (float(seen), 0.0, 0.0, 0.0), touching=touching):
            edges.append(t)
    return log, edges


def test_an_episode_is_one_moment_where_boxes_agree_least():
    log, edges = _log([(0, 0, False), (1, 5, True), (2, 60, True), (3, 65, True), (4, 70, False)])
    assert [(m.t_ns, m.votes[0]) for m in log.moments()] == [(2, 2.0)]
    assert edges == [1, 4], "where it began and where it ended"


def test_an_episode_that_goes_on_counts():
    log, _ = _log([(0, 0, False), (1, 5, True)])
    assert [m.t_ns for m in log.moments()] == [1]


def test_only_the_newest_episodes_are_kept():
    log, _ = _log([(t, 5.0 * t, t % 2 == 1) for t in range(100)])
    assert [m.t_ns for m in log.moments()][:2] == [83, 85]
    assert len(log.moments()) <= 9


def test_what_is_left_for_the_other_vehicle():
    log, _ = _log([(0, 0, False), (1, 9, True), (2, 12, False), (3, 99, True), (4, 102, False), (5, 150, True)])
    rest = log.after(1, (1.0, 0.0, 0.0, 0.0))
    assert [(m.t_ns, m.votes[0]) for m in rest.moments()] == [(3, 2.0), (5, 4.0)]


def test_a_moment_knows_the_boxes_on_either_side():
    log, _ = _log([(0, 0, True), (1, 9, False), (2, 12, False), (3, 99, True)])
    assert [[row[0] for row in m.rows] for m in log.moments()] == [[0], [2, 3]]


def _unit(*angles_deg):
    radians = np.radians(angles_deg)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def _contact(t_ns, before=(3, 0, 0, 0), after=(2, 0, 0, 2)):
    return Contact(t_ns, _votes(*before), _votes(*after))


def test_a_jump_is_found_at_the_contact_that_divides_best():
    contacts = [_contact(15), _contact(25)]
    found = find_jump(contacts, np.array([0, 10, 20, 30]), _unit(0, 5, 10, 90), FULL, CALIBRATION, 4.0)
    assert found is contacts[1]


@pytest.mark.parametrize(
    ("contacts", "angles", "why"),
    [
        ([], (0, 0, 90, 90), "no contact, no jump: it turned"),
        ([15], (0, 70, 75, 140), "both sides share a view"),
        ([-5], (0, 0, 90, 90), "no picture before"),
        ([99], (0, 0, 90, 90), "no picture after"),
        ([15], (0, 10, 20, 30), "alike"),
    ],
)
def test_no_jump(contacts, angles, why):
    given_contacts = [_contact(t) for t in contacts]
    assert find_jump(given_contacts, np.array([0, 10, 20, 30]), _unit(*angles), FULL, CALIBRATION, 4.0) is None, why


def test_the_evidence_it_takes_is_set():
    arguments = ([_contact(15)], np.array([0, 10, 20, 30]), _unit(0, 0, 63, 63), FULL, CALIBRATION)  # -0.9 nats
    assert find_jump(*arguments, 0.5) is not None
    assert find_jump(*arguments, 2.0) is None


def test_small_pictures_are_less_against_one_vehicle():
    arguments = ([_contact(15)], np.array([0, 10, 20, 30]), _unit(0, 0, 75, 75))
    assert find_jump(*arguments, FULL, CALIBRATION, 1.0) is not None
    assert find_jump(*arguments, np.full(4, 0.6), CALIBRATION, 1.0) is None
    assert find_jump(*arguments, np.array([1.0, 0.6, 0.6, 1.0]), CALIBRATION, 1.0) is not None, (
        "each side has a large one"
    )


def _tracklet(times, *, track_id=1, contacts=(), final=False, probs=(1, 0, 0, 0), x=0.0, crops=None):
    times = np.array(times, np.int64)
    picture = np.zeros((20, 20, 3), np.uint8)
    box = np.array([0, 0, 20, 20], np.float32)
    crop_times = times[::2] if crops is None else crops
    return Tracklet(
        key=TrackKey("north", "s1", track_id),
        revision=3,
        final=final,
        times_ns=times,
        frames=times // 10,
        boxes_xyxy=np.tile(box, (len(times), 1)) + np.float32(x),
        class_probs=np.array(probs, np.float32),
        crops=tuple(Crop(picture, int(t), int(t) // 10, box, 0.5 + 0.001 * int(t)) for t in crop_times),
        quality=0.5,
        contacts=tuple(contacts),
    )


def test_dividing_gives_each_part_its_own():
    contacts = (_contact(20, (2, 0, 0, 0), (3, 0, 0, 2)), _contact(30, (3, 0, 0, 0), (2, 0, 0, 2)), _contact(40))
    whole = _tracklet([0, 10, 20, 30, 40, 50], contacts=contacts)
    first, second = divide(whole, contacts[1], TrackKey("north", "s1", 9))
    assert first.times_ns.tolist() == [0, 10, 20]
    assert second.times_ns.tolist() == [30, 40, 50]
    assert (first.final, second.final) == (True, False)
    assert (first.key.track_id, first.revision, second.key.track_id, second.revision) == (1, 3, 9, 1)
    assert first.class_probs.tolist() == [1, 0, 0, 0]
    assert second.class_probs.tolist() == [0.5, 0, 0, 0.5]
    assert [c.t_ns for c in first.crops + second.crops] == [0, 20, 40]
    assert [(c.t_ns, c.votes_after.tolist()) for c in first.contacts] == [(20, [1, 0, 0, 0])]
    assert [(c.t_ns, c.votes_before.tolist()) for c in second.contacts] == [(40, [0, 0, 0, 0])]


def test_pictures_between_thinned_boxes_go_to_the_side_of_the_contact_that_they_were_taken_on():
    whole = _tracklet([0, 10, 60], contacts=(_contact(30),), crops=[10, 20, 29, 30, 50])
    first, second = divide(whole, whole.contacts[0], TrackKey("north", "s1", 9))
    assert [c.t_ns for c in first.crops] == [10, 20, 29]
    assert [c.t_ns for c in second.crops] == [30, 50]


@pytest.mark.parametrize("t_ns", [0, -5, 51])
def test_a_part_without_boxes_is_refused(t_ns):
    with pytest.raises(ValueError, match="must lie inside"):
        divide(_tracklet([0, 10, 50]), _contact(t_ns), TrackKey("north", "s1", 9))


def test_joining_keeps_everything():
    whole = joined(_tracklet([0, 10], probs=(0, 0, 0, 1)), _tracklet([30, 40, 50, 60], track_id=2, final=True))
    assert whole.times_ns.tolist() == [0, 10, 30, 40, 50, 60]
    assert (whole.key.track_id, whole.final) == (2, True)
    assert whole.class_probs.tolist() == pytest.approx([2 / 3, 0, 0, 1 / 3])
    assert [c.t_ns for c in whole.crops] == [50, 30, 0], "best first"
    with pytest.raises(ValueError, match="the earlier ends"):
        joined(_tracklet([0, 10]), _tracklet([10, 20]))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=20, unique=True), st.data())
def test_divided_and_joined_again_is_the_same(times, data):
    times = sorted(times)
    cut = data.draw(st.sampled_from(times[1:]))
    whole = _tracklet(times)
    again = joined(*divide(whole, _contact(cut), TrackKey("north", "s1", 9)))
    assert again.times_ns.tolist() == times
    assert np.array_equal(again.boxes_xyxy, whole.boxes_xyxy)
    assert {c.t_ns for c in again.crops} == {c.t_ns for c in whole.crops}


def test_shares_of_nothing_are_equal_and_rounding_never_makes_them_negative():
    assert class_shares(_votes(0, 0, 0, 0)).tolist() == [0.25] * 4
    assert class_shares(_votes(1, -1e-7, 0, 0)).tolist() == [1, 0, 0, 0]
