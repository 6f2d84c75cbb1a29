import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.rtsp.packetise import PAYLOAD_TYPE, Packetiser

nal_units = st.builds(
    lambda header, body: bytes([header]) + body, st.sampled_from([0x65, 0x41, 0x06, 0x25]), st.binary(max_size=400)
)


def unpack(packets):
    """NAL units out of RTP payloads, as a receiver puts them together."""
    nals = []
    for packet in packets:
        payload = packet[12:]
        kind = payload[0] & 0x1F
        if kind == 24:
            rest = payload[1:]
            while rest:
                size = int.from_bytes(rest[:2], "big")
                nals.append(rest[2 : 2 + size])
                rest = rest[2 + size :]
        elif kind == 28:
            if payload[1] & 0x80:
                nals.append(bytes([payload[0] & 0xE0 | payload[1] & 0x1F]))
            nals[-1] += payload[2:]
        else:
            nals.append(payload)
    return nals


@settings(deadline=None)
@given(st.lists(nal_units, min_size=1, max_size=5), st.integers(16, 200), st.booleans(), st.integers(0, 2**16 - 1))
def test_a_receiver_gets_the_nal_units_back(nals, max_payload, with_sets, sequence):
    sets = (b"\x67\x42\x00\x0a\x95", b"\x68\xce\x3c") if with_sets else ()
    maker = Packetiser(0xDEADBEEF, sequence, max_payload=max_payload)
    packets = maker.packets(nals, 123_456, sets)
    assert unpack(packets) == [*sets, *nals]
    headers = [struct.unpack("!BBHII", packet[:12]) for packet in packets]
    assert all(len(packet) <= 12 + max_payload for packet in packets)
    assert [h[2] for h in headers] == [(sequence + k) % 2**16 for k in range(len(packets))]
    assert [bool(h[1] & 0x80) for h in headers] == [False] * (len(packets) - 1) + [True]
    assert {(h[0], h[1] & 0x7F, h[3], h[4]) for h in headers} == {(0x80, PAYLOAD_TYPE, 123_456, 0xDEADBEEF)}
    assert (maker.packets_sent, maker.octets_sent) == (len(packets), sum(len(p) - 12 for p in packets))


def test_parameter_sets_travel_in_one_aggregation_packet():
    packets = Packetiser(1, 0).packets([b"\x65abc"], 5, (b"\x67\x42", b"\x68\xce"))
    assert [packet[12] & 0x1F for packet in packets] == [24, 5]


def test_fragments_mark_start_and_end():
    packets = Packetiser(1, 0, max_payload=20).packets([b"\x65" + bytes(40)], 5)
    assert [packet[13] & 0xC0 for packet in packets] == [0x80, 0x00, 0x40]


def test_a_payload_limit_without_room_is_refused():
    with pytest.raises(ValueError, match="max_payload"):
        Packetiser(1, 0, max_payload=4)
