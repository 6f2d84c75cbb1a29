from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.rtsp.session import GopGate


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 200)), max_size=60))
def test_a_slow_client_never_gets_a_picture_whose_predecessor_it_lost(steps):
    gate = GopGate(100)
    lost_since_keyframe = False
    for keyframe, backlog_bytes in steps:
        admitted = gate.admits(keyframe=keyframe, backlog_bytes=backlog_bytes)
        assert not (admitted and backlog_bytes > 100)
        if admitted:
            assert keyframe or not lost_since_keyframe
            lost_since_keyframe = False
        else:
            lost_since_keyframe = True


def test_it_resumes_at_a_keyframe_once_half_is_read():
    gate = GopGate(100)
    steps = [(True, 0), (False, 101), (False, 0), (True, 60), (False, 0), (True, 50), (False, 90)]
    assert [gate.admits(keyframe=k, backlog_bytes=b) for k, b in steps] == [
        True,
        False,
        False,
        False,
        False,
        True,
        True,
    ]
    assert gate.dropped == 4
