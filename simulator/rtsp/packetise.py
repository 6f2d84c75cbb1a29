"""Owns RTP: NAL units become packets of RFC 6184 (single NAL, STAP-A, FU-A); never knows sockets or clocks."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

PAYLOAD_TYPE = 96
#: Payload bytes of one packet: under the Ethernet MTU with IP, UDP and RTP headers.
MAX_PAYLOAD = 1_400
_STAP_A, _FU_A = 24, 28


class Packetiser:
    """Makes the RTP packets of one stream and counts them.

    Attributes:
        ssrc: The stream's synchronisation source.
        sequence: Of the next packet.
        packets_sent: Made so far.
        octets_sent: Payload bytes so far.
    """

    def __init__(self, ssrc: int, sequence: int, *, max_payload: int = MAX_PAYLOAD) -> None:
        if max_payload < 16:
            raise ValueError(f"max_payload must be >= 16, got {max_payload}")
        self.ssrc = ssrc
        self.sequence = sequence % 2**16
        self.packets_sent = 0
        self.octets_sent = 0
        self._max_payload = max_payload

    def packets(self, nals: Sequence[bytes], rtp_time: int, parameter_sets: Sequence[bytes] = ()) -> list[bytes]:
        """The packets of one access unit.

        Args:
            nals: NAL units without start codes.
            rtp_time: Time stamp modulo 2^32.
            parameter_sets: Sent ahead in one aggregation packet, or one by one where they do not fit.

        Returns:
            Packets in sending order; the last carries the marker bit.

        Source: RFC 6184, sections 5.6 to 5.8.
        """
        payloads = [*self._aggregated(parameter_sets)]
        for nal in nals:
            payloads.extend(self._single_or_fragments(nal))
        last = len(payloads) - 1
        return [self._packet(payload, rtp_time, marker=k == last) for k, payload in enumerate(payloads)]

    def _aggregated(self, nals: Sequence[bytes]) -> Iterator[bytes]:
        if len(nals) > 1 and 1 + sum(2 + len(nal) for nal in nals) <= self._max_payload:
            importance = max(nal[0] & 0x60 for nal in nals)
            yield bytes([importance | _STAP_A]) + b"".join(struct.pack("!H", len(nal)) + nal for nal in nals)
            return
        for nal in nals:
            yield from self._single_or_fragments(nal)

    def _single_or_fragments(self, nal: bytes) -> Iterator[bytes]:
        if len(nal) <= self._max_payload:
            yield nal
            return
        indicator, kind = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F
        room = self._max_payload - 2
        for begin in range(1, len(nal), room):
            start = 0x80 if begin == 1 else 0
            end = 0x40 if begin + room >= len(nal) else 0
            yield bytes([indicator, start | end | kind]) + nal[begin : begin + room]

    def _packet(self, payload: bytes, rtp_time: int, *, marker: bool) -> bytes:
        header = struct.pack("!BBHII", 0x80, (0x80 if marker else 0) | PAYLOAD_TYPE, self.sequence, rtp_time, self.ssrc)
        self.sequence = (self.sequence + 1) % 2**16
        self.packets_sent += 1
        self.octets_sent += len(payload)
        return header + payload
