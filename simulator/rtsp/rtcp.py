"""Owns RTCP: sender reports, source descriptions and goodbyes as bytes (RFC 3550); never sends them."""

from __future__ import annotations

import struct

_SR, _RR, _SDES, _BYE = 200, 201, 202, 203
_CNAME = 1
_NTP_EPOCH_S = 2_208_988_800
_NS = 1_000_000_000


def ntp_time(utc_ns: int) -> int:
    """UTC nanoseconds as a 64-bit NTP time stamp.

    >>> hex(ntp_time(500_000_000))
    '0x83aa7e8080000000'
    """
    seconds, rest = divmod(utc_ns, _NS)
    return (((seconds + _NTP_EPOCH_S) & 0xFFFFFFFF) << 32) | ((rest << 32) // _NS)


def sender_report(ssrc: int, utc_ns: int, rtp_time: int, packets: int, octets: int) -> bytes:
    """A sender report: this wall time is that RTP time.

    Source: RFC 3550, section 6.4.1.
    """
    return struct.pack("!BBHIQIII", 0x80, _SR, 6, ssrc, ntp_time(utc_ns), rtp_time, packets % 2**32, octets % 2**32)


def source_description(ssrc: int, cname: str) -> bytes:
    """The canonical name that goes with every report (RFC 3550, section 6.5)."""
    name = cname.encode()[:255]
    chunk = struct.pack("!IBB", ssrc, _CNAME, len(name)) + name
    chunk += b"\0" * (4 - len(chunk) % 4)
    return struct.pack("!BBH", 0x81, _SDES, len(chunk) // 4) + chunk


def goodbye(ssrc: int) -> bytes:
    """The stream is over: a compound of an empty receiver report and BYE (RFC 3550, sections 6.1 and 6.6).

    A lone BYE is shorter than an RTP header, and clients throw such packets away.
    """
    return struct.pack("!BBHIBBHI", 0x80, _RR, 1, ssrc, 0x81, _BYE, 1, ssrc)
