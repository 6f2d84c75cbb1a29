"""Owns how packets reach one client: interleaved on its TCP connection or over UDP; never builds or times them."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Callable
from typing import Protocol

_PORTS = re.compile(r"client_port=(\d+)-(\d+)")
_CHANNELS = re.compile(r"interleaved=(\d+)-(\d+)")


class PacketSink(Protocol):
    """Where a session's packets go."""

    @property
    def transport_header(self) -> str:
        """The Transport header of the SETUP reply."""

    def backlog_bytes(self) -> int:
        """Bytes accepted but not yet handed to the network."""

    def send_rtp(self, packet: bytes) -> None:
        """Queues a media packet; never blocks."""

    def send_rtcp(self, packet: bytes) -> None:
        """Queues a control packet; never blocks."""

    def send_raw(self, data: bytes) -> None:
        """Queues bytes in a media packet's place, without any framing; never blocks."""


class InterleavedSink:
    """Packets in between the replies on the client's own connection (RFC 2326, section 10.12)."""

    def __init__(self, writer: asyncio.StreamWriter, rtp_channel: int, rtcp_channel: int) -> None:
        self._writer = writer
        self._rtp_channel = rtp_channel
        self._rtcp_channel = rtcp_channel

    @property
    def transport_header(self) -> str:
        """The Transport header of the SETUP reply."""
        return f"RTP/AVP/TCP;unicast;interleaved={self._rtp_channel}-{self._rtcp_channel}"

    def backlog_bytes(self) -> int:
        """Bytes waiting for a slow reader, beyond what the kernel holds."""
        return self._writer.transport.get_write_buffer_size()

    def send_rtp(self, packet: bytes) -> None:
        """Queues a media packet."""
        self._send(self._rtp_channel, packet)

    def send_rtcp(self, packet: bytes) -> None:
        """Queues a control packet."""
        self._send(self._rtcp_channel, packet)

    def send_raw(self, data: bytes) -> None:
        """Queues bytes that break the interleaving."""
        if not self._writer.is_closing():
            self._writer.write(data)

    def _send(self, channel: int, packet: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(struct.pack("!cBH", b"$", channel, len(packet)) + packet)


class UdpPorts(asyncio.DatagramProtocol):
    """The server's pair of UDP ports, shared by all sessions; tells who sent a receiver report."""

    def __init__(self, on_report: Callable[[tuple[str, int]], None]) -> None:
        self._on_report = on_report
        self._rtp: asyncio.DatagramTransport | None = None
        self._rtcp: asyncio.DatagramTransport | None = None
        self.port = 0

    @property
    def rtp(self) -> asyncio.DatagramTransport:
        """The media socket."""
        if self._rtp is None:
            raise RuntimeError("UDP ports are not open")
        return self._rtp

    @property
    def rtcp(self) -> asyncio.DatagramTransport:
        """The control socket, one port above."""
        if self._rtcp is None:
            raise RuntimeError("UDP ports are not open")
        return self._rtcp

    async def open(self, host: str) -> None:
        """Binds an even port and the odd one above it.

        Raises:
            OSError: No free pair was found.
        """
        loop = asyncio.get_running_loop()
        rtp, rtcp = _bind_pair(host)
        self.port = rtp.getsockname()[1]
        self._rtp, _ = await loop.create_datagram_endpoint(lambda: self, sock=rtp)
        self._rtcp, _ = await loop.create_datagram_endpoint(lambda: self, sock=rtcp)

    def close(self) -> None:
        """Closes both sockets."""
        for transport in (self._rtp, self._rtcp):
            if transport is not None:
                transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """A receiver report, or the empty packet that opens a firewall."""
        self._on_report((addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """A client's port is closed: its session will time out."""


def _bind_pair(host: str) -> tuple[socket.socket, socket.socket]:
    family = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0][0]
    for _ in range(64):
        even = socket.socket(family, socket.SOCK_DGRAM)
        odd = socket.socket(family, socket.SOCK_DGRAM)
        try:
            even.bind((host, 0))
            port = even.getsockname()[1]
            if port % 2 == 0:
                odd.bind((host, port + 1))
                even.setblocking(False)
                odd.setblocking(False)
                return even, odd
        except OSError:
            pass
        even.close()
        odd.close()
    raise OSError("no free pair of UDP ports")


class UdpSink:
    """Packets to the two ports that a client named."""

    def __init__(self, ports: UdpPorts, host: str, rtp_port: int, rtcp_port: int) -> None:
        self._ports = ports
        self._rtp_address = (host, rtp_port)
        self.rtcp_address = (host, rtcp_port)

    @property
    def transport_header(self) -> str:
        """The Transport header of the SETUP reply."""
        client = f"{self._rtp_address[1]}-{self.rtcp_address[1]}"
        return f"RTP/AVP;unicast;client_port={client};server_port={self._ports.port}-{self._ports.port + 1}"

    def backlog_bytes(self) -> int:
        """Bytes that the shared socket could not take yet."""
        size: int = self._ports.rtp.get_write_buffer_size()  # type: ignore[attr-defined]  # absent from typeshed
        return size

    def send_rtp(self, packet: bytes) -> None:
        """Queues a media packet."""
        if not self._ports.rtp.is_closing():
            self._ports.rtp.sendto(packet, self._rtp_address)

    def send_rtcp(self, packet: bytes) -> None:
        """Queues a control packet."""
        if not self._ports.rtcp.is_closing():
            self._ports.rtcp.sendto(packet, self.rtcp_address)

    def send_raw(self, data: bytes) -> None:
        """Queues a datagram that is no RTP."""
        self.send_rtp(data)


def choose_sink(transport: str, writer: asyncio.StreamWriter, ports: UdpPorts) -> PacketSink | None:
    """The first transport that the client offers and we can serve.

    Args:
        transport: The Transport header of SETUP.
        writer: The client's connection; its address is the only one that media is sent to.
        ports: The server's UDP ports.

    Returns:
        A sink, or None when nothing offered can be served.
    """
    for offer in transport.split(","):
        if "multicast" in offer:
            continue
        if offer.strip().startswith("RTP/AVP/TCP"):
            channels = _CHANNELS.search(offer)
            first, second = (int(channels[1]), int(channels[2])) if channels else (0, 1)
            if max(first, second) < 256:
                return InterleavedSink(writer, first, second)
        elif client := _PORTS.search(offer):
            rtp_port, rtcp_port = int(client[1]), int(client[2])
            if 0 < rtp_port < 2**16 and 0 < rtcp_port < 2**16:
                return UdpSink(ports, writer.get_extra_info("peername")[0], rtp_port, rtcp_port)
    return None
