import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.rtsp.faults.effects import Link, Losses, Noise, Piece, effects_of
from simulator.rtsp.faults.kinds import Drop, Garbage, Loss, Slow
from simulator.rtsp.faults.schedule import Active


def packets(count, size=100):
    return [Piece("rtp", bytes([k % 256]) * size) for k in range(count)]


def through(effect, pieces):
    return [out for piece in pieces for out in effect.apply(piece)]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_noise_keeps_headers_and_lengths_and_leaves_reports_alone(rng):
    sent = packets(50)
    out = through(Noise(Garbage(), rng), sent)
    assert [(p.channel, len(p.data), p.data[:12]) for p in out] == [("rtp", 100, p.data[:12]) for p in sent]
    assert all(a.data[12:] != b.data[12:] for a, b in zip(out, sent, strict=True))
    report = Piece("rtcp", b"report")
    assert through(Noise(Garbage(where="framing"), rng), [report]) == [report]


def test_noise_in_the_framing_leaves_nothing(rng):
    out = through(Noise(Garbage(where="framing"), rng), packets(50))
    assert {p.channel for p in out} == {"raw"}
    assert out[0].data[:12] != bytes(12)


def test_a_share_is_a_share(rng):
    out = through(Noise(Garbage(share=0.25), rng), packets(2000))
    changed = sum(a.data != b.data for a, b in zip(out, packets(2000), strict=True))
    assert 400 < changed < 600


def test_losses_take_a_share_and_swap_another(rng):
    sent = packets(2000, 1)
    kept = through(Losses(Loss(share=0.1), rng), sent)
    assert 1700 < len(kept) < 1900
    numbered = [Piece("rtp", k.to_bytes(2, "big")) for k in range(2000)]
    swapped = through(Losses(Loss(share=0.0, reorder=0.2), rng), numbered)
    places = [int.from_bytes(p.data, "big") for p in swapped]
    assert sorted(places) == list(range(len(places)))
    assert max(abs(a - b) for a, b in enumerate(places)) == 1
    assert 200 < sum(a > b for a, b in itertools.pairwise(places)) < 450


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 1500)), min_size=1, max_size=60),
    st.floats(8, 5000),
    st.floats(0, 2),
    st.floats(0, 1),
)
def test_a_link_keeps_order_and_its_rate(steps, kbit_s, latency_s, jitter_s):
    link = Link(Slow(kbit_s=kbit_s, latency_s=latency_s, jitter_s=jitter_s), np.random.default_rng(1))
    now_s, out, sent = 0.0, [], 0
    for gap_s, size in steps:
        now_s += gap_s
        out.append(link.out_s(now_s, size))
        sent += size
        assert out[-1] >= now_s + latency_s + size * 8 / (kbit_s * 1000) - 1e-9
        assert link.waiting_bytes(now_s) <= sent + 1
    assert out == sorted(out)
    assert out[-1] - latency_s + 1e-9 >= sent * 8 / (kbit_s * 1000)
    assert link.waiting_bytes(now_s + 1e9) == 0


def test_a_link_without_a_rate_is_only_long(rng):
    link = Link(Slow(latency_s=1.5), rng)
    assert link.out_s(10.0, 10**9) == 11.5
    assert link.waiting_bytes(10.0) == 0
    assert link.room_bytes is None
    assert Link(Slow(kbit_s=80, buffer_s=3), rng).room_bytes == 30_000


def test_effects_come_in_the_scripts_order_and_differ_between_cameras():
    active = [Active(fault, k, 0) for k, fault in enumerate([Garbage(), Drop(), Loss(), Slow(kbit_s=9)])]
    effects, link = effects_of(active, "north")
    assert [type(effect) for effect in effects] == [Noise, Losses]
    assert link is not None
    outs = [through(effects_of(active[:1], camera)[0][0], packets(1)) for camera in ("north", "north", "bridge")]
    assert outs[0] == outs[1] != outs[2]
