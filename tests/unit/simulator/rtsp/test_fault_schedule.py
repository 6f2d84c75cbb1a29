import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.rtsp.faults.kinds import Drop, Garbage, Restart, Stall
from simulator.rtsp.faults.schedule import Active, FaultSchedule, RandomFaults

CAMERAS = ("north", "north-2", "bridge")


def kinds(schedule, camera, t_s):
    return [active.fault.kind for active in schedule.active(camera, t_s)]


def test_a_fault_holds_from_its_beginning_to_its_end_for_whom_it_names():
    schedule = FaultSchedule(CAMERAS, (Drop(camera="north", at_s=20, for_s=10), Stall(camera="north*", at_s=25)))
    assert [kinds(schedule, "north", t_s) for t_s in (19.9, 20, 25, 30)] == [[], ["drop"], ["drop", "stall"], ["stall"]]
    assert kinds(schedule, "north-2", 1e6) == ["stall"]
    assert kinds(schedule, "bridge", 26) == []
    assert [schedule.next_edge_s(t_s) for t_s in (-5, 20, 25, 30)] == [20, 25, 30, None]


def test_a_repetition_has_its_number():
    schedule = FaultSchedule(CAMERAS, (Garbage(at_s=1, for_s=1, repeat_every_s=3, times=2),))
    (active,) = schedule.active("bridge", 4.5)
    assert active == Active(schedule.faults[0], 0, 1)
    assert (active.began_s, active.ends_s) == (4, 5)
    assert math.isinf(Active(Stall(), 0, 0).ends_s)


FAULTS = st.builds(
    lambda at_s, for_s, gap_s, times: Stall(at_s=at_s, for_s=for_s, repeat_every_s=for_s + gap_s, times=times),
    st.floats(-50, 50),
    st.floats(0.1, 10),
    st.floats(0, 10),
    st.none() | st.integers(1, 20),
)


@given(FAULTS, st.floats(-100, 300))
def test_edges_are_where_it_changes_and_nowhere_else(fault, t_s):
    schedule = FaultSchedule(CAMERAS, (fault,))
    before = schedule.active("north", t_s)
    edge_s = schedule.next_edge_s(t_s)
    if edge_s is None:
        assert schedule.active("north", t_s + 1e6) == before == ()
        return
    assert edge_s > t_s
    assert schedule.active("north", (t_s + edge_s) / 2) in (before, schedule.active("north", edge_s))
    number = fault.window(edge_s)
    assert number is None or fault.begins_s(number) <= edge_s < fault.ends_s(number)


@given(st.integers(0, 5), st.floats(-20, 500))
def test_random_faults_are_the_same_for_the_same_seed_one_a_span(seed, t_s):
    settings = RandomFaults(seed=seed, every_s=10, for_s=4, camera="north*")
    one, other = FaultSchedule(CAMERAS, random=settings), FaultSchedule(CAMERAS, random=settings)
    held = [one.active(camera, t_s) for camera in CAMERAS]
    assert held == [other.active(camera, t_s) for camera in CAMERAS]
    assert sum(len(active) for active in held) <= 1
    assert held[2] == ()
    edge_s = one.next_edge_s(t_s)
    assert t_s < edge_s < max(t_s, 0) + 20


def test_random_faults_reach_every_camera_and_kind():
    settings = RandomFaults(seed=1, every_s=10, kinds=("slow", "loss", "resolution", "password", "garbage"))
    drawn = [settings.draw(span, CAMERAS) for span in range(60)]
    assert {fault.camera for fault in drawn} == set(CAMERAS)
    assert {fault.kind for fault in drawn} == set(settings.kinds)
    assert [fault.at_s // 10 for fault in drawn] == list(range(60))
    schedule = FaultSchedule(CAMERAS, random=settings)
    assert len(list(schedule.resolutions("north"))) == 1


@pytest.mark.parametrize(
    ("fault", "cuts"),
    [
        (Drop(), [True, False]),
        (Drop(how="silent"), [False, False]),
        (Restart(), [True, False]),
        (Stall(), [False, False]),
    ],
)
def test_who_is_cut_when(fault, cuts):
    assert [fault.cuts_clients(begins=begins) for begins in (True, False)] == cuts
