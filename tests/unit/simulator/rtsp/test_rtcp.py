import struct

from simulator.rtsp import rtcp


def test_sender_report_pairs_wall_and_rtp_time():
    report = rtcp.sender_report(7, 1_500_000_000, 90_000, 3, 400)
    first, kind, words, ssrc, ntp, rtp_time, packets, octets = struct.unpack("!BBHIQIII", report)
    assert (first, kind, (words + 1) * 4, ssrc) == (0x80, 200, len(report), 7)
    assert (ntp >> 32, ntp & 0xFFFFFFFF) == (2_208_988_801, 2**31)
    assert (rtp_time, packets, octets) == (90_000, 3, 400)


def test_descriptions_are_padded_to_words():
    for name in ("c", "city", "a-longer-name"):
        packet = rtcp.source_description(7, name)
        assert len(packet) == (int.from_bytes(packet[2:4], "big") + 1) * 4
        assert packet[10 : 10 + packet[9]] == name.encode()
        assert packet[-1] == 0


def test_goodbye_is_a_compound_no_shorter_than_an_rtp_header():
    packet = rtcp.goodbye(7)
    assert (packet[1], packet[9]) == (201, 203)
    assert len(packet) >= 12
