"""Requests that nobody should send, made from a seed, with the codes that may answer them. Sends nothing itself."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable

import grpc
import numpy as np
from PIL import Image

from services.rpc import vreid_pb2 as pb

OK = grpc.StatusCode.OK
BAD = grpc.StatusCode.INVALID_ARGUMENT
GONE = grpc.StatusCode.NOT_FOUND
MODEL = grpc.StatusCode.FAILED_PRECONDITION
BUSY = grpc.StatusCode.RESOURCE_EXHAUSTED
LATE = grpc.StatusCode.UNAVAILABLE

#: A request, the method that it is for, and the codes that are right.
Hostile = tuple[str, object, set[grpc.StatusCode]]


def good_picture(rng: np.random.Generator) -> bytes:
    buffer = io.BytesIO()
    fmt = ("PNG", "JPEG", "BMP", "WEBP")[int(rng.integers(4))]
    Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(buffer, fmt)
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is huge and whose pixels are a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 4096)) + chunk(b"IEND", b"")


def image(rng: np.random.Generator) -> Hostile:
    data = bytearray(good_picture(rng))
    codes = {BAD}
    match int(rng.integers(7)):
        case 0:
            data = data[: int(rng.integers(0, max(1, len(data) - 40)))]
            codes = {BAD, OK}  # some formats are whole without their end
        case 1:
            for _ in range(8):
                data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
            codes = {BAD, OK}
        case 2:
            data = bytearray(bomb(int(rng.integers(10_000, 2**31 - 1)), int(rng.integers(10_000, 2**31 - 1))))
        case 3:
            data = bytearray(rng.bytes(int(rng.integers(0, 4096))))
        case 4:
            data = bytearray(b"\xff\xd8\xff" + rng.bytes(64))
        case 5:
            data = bytearray(bomb(1, int(rng.integers(1, 7))))
        case _:
            data = bytearray(b"GIF89a" + rng.bytes(200))
    return "Search", pb.SearchRequest(probes=[pb.Probe(image=pb.ImageProbe(data=bytes(data)))]), codes


def embedding(rng: np.random.Generator) -> Hostile:
    values = rng.standard_normal(3)
    codes, model = {BAD}, ""
    match int(rng.integers(6)):
        case 0:
            values[int(rng.integers(3))] = float(rng.choice([np.nan, np.inf, -np.inf]))
        case 1:
            values[:] = 0
        case 2:
            values = rng.standard_normal(int(rng.choice([0, 1, 2, 4, 255, 4096])))
        case 3:
            model, codes = rng.bytes(8).hex(), {MODEL}
        case 4:
            values[:] = 1e-30
        case _:
            values *= 1e38
            codes = {OK, BAD}
    probe = pb.Probe(
        embedding=pb.Embedding(values=np.clip(values, -3e38, 3e38) if codes == {OK, BAD} else values.tolist())
    )
    probe.embedding.model_id = model
    return "Search", pb.SearchRequest(probes=[probe]), codes


def number(rng: np.random.Generator) -> Hostile:
    request = pb.SearchRequest(probes=[pb.Probe(sighting_id="red-1")])
    match int(rng.integers(5)):
        case 0:
            request.k = int(rng.choice([-1, -(2**31), 10**9, 2**31 - 1, 1001]))
        case 1:
            request.grouping = int(rng.integers(3, 2**31 - 1))
        case 2:
            request.rerank = int(rng.integers(4, 2**31 - 1))
        case 3:
            request.rerank_depth = int(rng.choice([-1, 1001, 2**31 - 1]))
        case _:
            request.probes.extend([pb.Probe(sighting_id="red-1")] * int(rng.integers(16, 200)))
    return "Search", request, {BAD}


def identifier(rng: np.random.Generator) -> Hostile:
    name = str(rng.choice(["\0x", "../../etc/passwd", "a" * 10_000, "{x}", "*", "\N{SNOWMAN}", "' OR 1=1", "\r\nX: y"]))
    match int(rng.integers(5)):
        case 0:
            return "Search", pb.SearchRequest(probes=[pb.Probe(sighting_id=name)]), {GONE}
        case 1:
            return "Search", pb.SearchRequest(probes=[pb.Probe(identity_id=name)]), {GONE}
        case 2:
            return "Get", pb.GetEntryRequest(identity_id=name), {GONE}
        case 3:
            return "Update", pb.UpdateRequest(sighting_id=name, colour="red"), {GONE}
        case _:
            return "Picture", pb.PictureRequest(sighting_id=name), {GONE}


def restriction(rng: np.random.Generator) -> Hostile:
    request = pb.SearchRequest(probes=[pb.Probe(sighting_id="red-1")])
    wanted = request.filter
    match int(rng.integers(5)):
        case 0:
            wanted.classes.append(int(rng.integers(5, 2**31 - 1)))
        case 1:
            wanted.colours.append(rng.bytes(6).hex())
        case 2:
            wanted.span.to.seconds = int(rng.choice([2**62, -(2**62), 2**63 - 1]))
        case 3:
            getattr(wanted.span, "from").seconds = 200
            wanted.span.to.seconds = 100
        case _:
            wanted.camera_ids.extend([rng.bytes(4).hex() for _ in range(2000)])
            return "Search", request, {OK}
    return "Search", request, {BAD}


def position(rng: np.random.Generator) -> Hostile:
    text = str(rng.choice(["x", "1", "1-", "-1", "1-1-1", "9" * 400, "\u0661-\u0662", "1e3-0"]))
    return "Stats", pb.StatsRequest(min_log_position=text), {BAD}


def page(rng: np.random.Generator) -> Hostile:
    limit, offset = int(rng.choice([-1, 1001, 2**31 - 1])), int(rng.choice([0, -1]))
    return "List", pb.ListEntriesRequest(limit=limit, offset=offset), {BAD}


def empty(rng: np.random.Generator) -> Hostile:
    asked: list[Hostile] = [
        ("Search", pb.SearchRequest(), {BAD}),
        ("Search", pb.SearchRequest(probes=[pb.Probe()]), {BAD}),
        ("Verify", pb.VerifyRequest(), {BAD}),
        ("Embed", pb.EmbedRequest(), {BAD}),
        ("Embed", pb.EmbedRequest(images=[pb.ImageProbe()] * 65), {BAD}),
        ("Enroll", pb.EnrollRequest(), {BAD}),
        ("Delete", pb.DeleteRequest(), {BAD}),
        ("Update", pb.UpdateRequest(), {BAD}),
        ("Get", pb.GetEntryRequest(), {BAD}),
    ]
    return asked[int(rng.integers(len(asked)))]


def box(rng: np.random.Generator) -> Hostile:
    corners = rng.choice([np.nan, np.inf, -1e30, 1e30, -5, 3, 4, 1e9], 4)
    x1, y1, x2, y2 = (float(c) for c in corners)
    probe = pb.ImageProbe(data=good_picture(rng), mode=int(rng.integers(0, 9)), box=pb.Box(x1=x1, y1=y1, x2=x2, y2=y2))
    return "Search", pb.SearchRequest(probes=[pb.Probe(image=probe)]), {BAD, OK}


def foreign(rng: np.random.Generator) -> Hostile:
    fields = {str(rng.choice(["codec", "embedding", "x"])): rng.bytes(int(rng.integers(0, 64))) for _ in range(3)}
    return "Import", pb.ExportChunk(sightings=[pb.ExportedSighting(identity_id="i", fields=fields)]), {BAD}


MAKERS: tuple[Callable[[np.random.Generator], Hostile], ...] = (
    image,
    embedding,
    number,
    identifier,
    restriction,
    position,
    page,
    empty,
    box,
    foreign,
)


def hostile(seed: int) -> Hostile:
    """One request of any kind."""
    rng = np.random.default_rng(seed)
    return MAKERS[int(rng.integers(len(MAKERS)))](rng)
