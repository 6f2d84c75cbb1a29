"""Owns the text of RTSP: requests read from a connection, replies and session descriptions written; never acts."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from simulator.rtsp.clip import Clip
from simulator.rtsp.packetise import PAYLOAD_TYPE
from simulator.rtsp.timeline import RTP_CLOCK_HZ

MAX_HEADERS = 64
MAX_BODY = 16_384
TRACK = "track1"

_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    410: "Gone",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
    503: "Service Unavailable",
}


class MalformedRequest(ValueError):  # noqa: N818
    """What arrived is not RTSP."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names in lower case."""

    method: str
    uri: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def camera_id(self) -> str:
        """The first part of the path."""
        return urlsplit(self.uri).path.strip("/").split("/")[0]

    @property
    def session_id(self) -> str:
        """The session named by the client, or an empty string."""
        return self.headers.get("session", "").split(";")[0].strip()


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Binary data that a client sent on its connection: receiver reports."""

    channel: int
    payload: bytes


async def read_message(reader: asyncio.StreamReader) -> Request | Interleaved | None:
    """Reads what comes next on a connection.

    Returns:
        A request, binary data, or None when the client closed.

    Raises:
        MalformedRequest: Neither of the two arrived, or it is too large.
    """
    try:
        first = await reader.readexactly(1)
        if first == b"$":
            head = await reader.readexactly(3)
            return Interleaved(head[0], await reader.readexactly(int.from_bytes(head[1:], "big")))
        start = (first + await reader.readuntil(b"\n")).decode("utf-8", "replace").strip()
        if not start:
            return await read_message(reader)
        return await _read_request(reader, start)
    except asyncio.LimitOverrunError as exc:
        raise MalformedRequest("a line is too long") from exc
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def _read_request(reader: asyncio.StreamReader, start: str) -> Request:
    parts = start.split()
    if len(parts) != 3 or not parts[2].startswith("RTSP/"):
        raise MalformedRequest("not an RTSP request line")
    headers: dict[str, str] = {}
    while line := (await reader.readuntil(b"\n")).decode("utf-8", "replace").strip():
        name, colon, value = line.partition(":")
        if not colon or len(headers) >= MAX_HEADERS:
            raise MalformedRequest("a header that is none, or too many")
        headers[name.strip().lower()] = value.strip()
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise MalformedRequest("a body that is too long")
    await reader.readexactly(int(length))
    return Request(parts[0].upper(), parts[1], headers)


def reply(request: Request, status: int, headers: Mapping[str, str] | None = None, body: str = "") -> bytes:
    """The bytes of a reply.

    Args:
        request: What is answered; its sequence number is repeated.
        status: RTSP status code.
        headers: In sending order.
        body: A session description, or empty.
    """
    cseq = request.headers.get("cseq", "0")
    lines = [f"RTSP/1.0 {status} {_REASONS[status]}", f"CSeq: {cseq if cseq.isdecimal() else '0'}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    data = body.encode()
    if data:
        lines += ["Content-Type: application/sdp", f"Content-Length: {len(data)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + data


def session_description(camera_id: str, clip: Clip, t0_ns: int) -> str:
    """What DESCRIBE answers for a camera (RFC 4566; H.264 parameters of RFC 6184, section 8.1)."""
    sps = clip.parameter_sets[0]
    sets = ",".join(base64.b64encode(nal).decode() for nal in clip.parameter_sets)
    lines = [
        "v=0",
        f"o=- {t0_ns // 1_000_000_000} 1 IN IP4 0.0.0.0",
        f"s={camera_id}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        f"m=video 0 RTP/AVP {PAYLOAD_TYPE}",
        f"a=rtpmap:{PAYLOAD_TYPE} H264/{RTP_CLOCK_HZ}",
        f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1;profile-level-id={sps[1:4].hex()};sprop-parameter-sets={sets}",
        f"a=framerate:{float(clip.fps):.10g}",
        f"a=control:{TRACK}",
    ]
    return "\r\n".join(lines) + "\r\n"
