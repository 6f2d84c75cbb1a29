"""Requests that nobody should send, made from a seed, with the codes that may answer them. Sends nothing itself."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from services.rpc import vreid_pb2 as pb

OK = "OK"
BAD = "INVALID_ARGUMENT"
GONE = "NOT_FOUND"
MODEL = "FAILED_PRECONDITION"
BUSY = "RESOURCE_EXHAUSTED"
INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Target:
    """What has to be known of who is asked.

    Attributes:
        dim: Length of its vectors.
        sighting_id: One that it holds.
        identity_id: One that it holds.
    """

    dim: int
    sighting_id: str
    identity_id: str


@dataclass(frozen=True, slots=True)
class Hostile:
    """A request that nobody should send.

    Attributes:
        call: Service and method, "GalleryService.List".
        request: The message, or bytes that are none.
        codes: Names of those that are right for it.
    """

    call: str
    request: Any
    codes: frozenset[str]

    @property
    def body(self) -> bytes:
        """As it goes over the wire."""
        return self.request if isinstance(self.request, bytes) else bytes(self.request.SerializeToString())


Maker = Callable[[np.random.Generator, Target], Hostile]


def _search(codes: set[str], **fields: Any) -> Hostile:
    return Hostile("MatcherService.Search", pb.SearchRequest(**fields), frozenset(codes))


def _by_picture(data: bytes, codes: set[str]) -> Hostile:
    return _search(codes, probes=[pb.Probe(image=pb.ImageProbe(data=data))])


def good_picture(rng: np.random.Generator) -> bytes:
    """A small picture in any format."""
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


@lru_cache(maxsize=2)
def blank(width: int, height: int) -> bytes:
    """A real picture of one colour."""
    buffer = io.BytesIO()
    Image.new("L", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def image(rng: np.random.Generator, target: Target) -> Hostile:
    """A picture that is cut short, damaged, or none."""
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
    return _by_picture(bytes(data), codes)


def embedding(rng: np.random.Generator, target: Target) -> Hostile:
    """A vector that is not finite, zero, of another length or of another model."""
    values = rng.standard_normal(target.dim)
    codes, model = {BAD}, ""
    match int(rng.integers(6)):
        case 0:
            values[int(rng.integers(target.dim))] = float(rng.choice([np.nan, np.inf, -np.inf]))
        case 1:
            values[:] = 0
        case 2:
            values = rng.standard_normal(int(rng.choice([0, 1, 2, target.dim - 1, target.dim + 1, 4096])))
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
    return _search(codes, probes=[probe])


def number(rng: np.random.Generator, target: Target) -> Hostile:
    """A number out of its range."""
    request = pb.SearchRequest(probes=[pb.Probe(sighting_id=target.sighting_id)])
    match int(rng.integers(5)):
        case 0:
            request.k = int(rng.choice([-1, -(2**31), 10**9, 2**31 - 1, 1001]))
        case 1:
            request.grouping = pb.Grouping.ValueType(int(rng.integers(3, 2**31 - 1)))
        case 2:
            request.rerank = pb.Rerank.ValueType(int(rng.integers(4, 2**31 - 1)))
        case 3:
            request.rerank_depth = int(rng.choice([-1, 1001, 2**31 - 1]))
        case _:
            request.probes.extend([pb.Probe(sighting_id=target.sighting_id)] * int(rng.integers(16, 200)))
    return Hostile("MatcherService.Search", request, frozenset({BAD}))


def identifier(rng: np.random.Generator, target: Target) -> Hostile:
    """A name that nothing is known by."""
    name = str(rng.choice(["\0x", "../../etc/passwd", "a" * 10_000, "{x}", "*", "\N{SNOWMAN}", "' OR 1=1", "\r\nX: y"]))
    asked: dict[str, Any] = {
        "GalleryService.Get": pb.GetEntryRequest(identity_id=name),
        "GalleryService.Update": pb.UpdateRequest(sighting_id=name, colour="red"),
        "GalleryService.Picture": pb.PictureRequest(sighting_id=name),
        "GalleryService.Delete": pb.DeleteRequest(identity_id=name),
        "GalleryService.Erase": pb.DeleteRequest(sighting_id=name),
        "GalleryService.Export": pb.ExportRequest(identity_ids=[name]),
        "IdentityService.Get": pb.GetIdentityRequest(identity_id=name),
        "IdentityService.History": pb.HistoryRequest(identity_id=name),
        "IdentityService.Merge": pb.MergeRequest(survivor_id=target.identity_id, absorbed_id=name),
        "IdentityService.Split": pb.SplitRequest(identity_id=name, sighting_ids=[target.sighting_id]),
        "IdentityService.Undo": pb.UndoRequest(identity_id=name),
        "IdentityService.SetEnrolled": pb.SetEnrolledRequest(identity_id=name, enrolled=True),
        "StandingService.SetActive": pb.SetStandingActiveRequest(standing_id=name, active=True),
        "StandingService.Delete": pb.DeleteStandingRequest(standing_id=name),
    }
    probe = pb.Probe(sighting_id=name) if rng.integers(2) else pb.Probe(identity_id=name)
    asked["MatcherService.Search"] = pb.SearchRequest(probes=[probe])
    asked["MatcherService.Watch"] = pb.WatchRequest(probes=[probe])
    asked["StandingService.Create"] = pb.CreateStandingRequest(name="hostile", probes=[probe])
    call = sorted(asked)[int(rng.integers(len(asked)))]
    return Hostile(call, asked[call], frozenset({GONE}))


def restriction(rng: np.random.Generator, target: Target) -> Hostile:
    """A filter that makes no sense, or a very long one."""
    request = pb.SearchRequest(probes=[pb.Probe(sighting_id=target.sighting_id)])
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
            return Hostile("MatcherService.Search", request, frozenset({OK}))
    return Hostile("MatcherService.Search", request, frozenset({BAD}))


def position(rng: np.random.Generator, target: Target) -> Hostile:
    """What is no position of the log."""
    text = str(rng.choice(["x", "1", "1-", "-1", "1-1-1", "9" * 400, f"{'9' * 400}-1", "\u0661-\u0662", "1e3-0"]))
    asked: dict[str, Any] = {
        "GalleryService.Stats": pb.StatsRequest(min_log_position=text),
        "GalleryService.List": pb.ListEntriesRequest(min_log_position=text),
        "IdentityService.Get": pb.GetIdentityRequest(identity_id=target.identity_id, min_log_position=text),
        "IdentityService.Undo": pb.UndoRequest(event_id=text),
        "MatcherService.Watch": pb.WatchRequest(after_log_position=text),
        "ConsoleService.Events": pb.EventsRequest(after_log_position=text),
        "ConsoleService.Audit": pb.AuditRequest(before_entry_id=text),
    }
    call = sorted(asked)[int(rng.integers(len(asked)))]
    return Hostile(call, asked[call], frozenset({GONE if call.endswith("Undo") else BAD}))


def page(rng: np.random.Generator, target: Target) -> Hostile:
    """A page of a list that cannot be."""
    limit, offset = int(rng.choice([-1, 1001, 2**31 - 1])), int(rng.choice([0, -1]))
    asked: dict[str, Any] = {
        "GalleryService.List": pb.ListEntriesRequest(limit=limit, offset=offset),
        "IdentityService.List": pb.ListIdentitiesRequest(limit=limit, offset=offset),
        "StandingService.Alerts": pb.ListAlertsRequest(limit=limit, offset=offset),
        "ConsoleService.Events": pb.EventsRequest(limit=limit),
        "ConsoleService.Audit": pb.AuditRequest(limit=limit),
        "GalleryService.Picture": pb.PictureRequest(sighting_id=target.sighting_id, index=limit),
    }
    call = sorted(asked)[int(rng.integers(len(asked)))]
    return Hostile(call, asked[call], frozenset({GONE if call.endswith("Picture") else BAD}))


def empty(rng: np.random.Generator, target: Target) -> Hostile:
    """What misses the one thing that it is about."""
    asked: list[tuple[str, Any]] = [
        ("MatcherService.Search", pb.SearchRequest()),
        ("MatcherService.Search", pb.SearchRequest(probes=[pb.Probe()])),
        ("MatcherService.Verify", pb.VerifyRequest()),
        ("MatcherService.Embed", pb.EmbedRequest()),
        ("MatcherService.Embed", pb.EmbedRequest(images=[pb.ImageProbe()] * 65)),
        ("GalleryService.Enroll", pb.EnrollRequest()),
        ("GalleryService.Delete", pb.DeleteRequest()),
        ("GalleryService.Erase", pb.DeleteRequest()),
        ("GalleryService.Update", pb.UpdateRequest()),
        ("GalleryService.Get", pb.GetEntryRequest()),
        ("GalleryService.Picture", pb.PictureRequest()),
        ("IdentityService.Get", pb.GetIdentityRequest()),
        ("IdentityService.Merge", pb.MergeRequest()),
        ("IdentityService.Split", pb.SplitRequest(identity_id=target.identity_id)),
        ("IdentityService.Undo", pb.UndoRequest()),
        ("IdentityService.History", pb.HistoryRequest()),
        ("IdentityService.SetEnrolled", pb.SetEnrolledRequest()),
        ("CameraService.Predict", pb.PredictRequest()),
        ("StandingService.Create", pb.CreateStandingRequest()),
        ("StandingService.SetActive", pb.SetStandingActiveRequest()),
        ("StandingService.Delete", pb.DeleteStandingRequest()),
        ("StandingService.Acknowledge", pb.AcknowledgeRequest()),
        ("ConsoleService.FindVehicles", pb.FindVehiclesRequest()),
    ]
    return Hostile(*asked[int(rng.integers(len(asked)))], frozenset({BAD}))


def correction(rng: np.random.Generator, target: Target) -> Hostile:
    """A correction that contradicts itself, or with a reason that is no line."""
    known, reason = target.identity_id, str(rng.choice(["a\nb", "\0x", "x" * 100_000]))
    asked: list[tuple[str, Any]] = [
        ("IdentityService.Merge", pb.MergeRequest(survivor_id=known, absorbed_id=known)),
        ("IdentityService.Merge", pb.MergeRequest(survivor_id=known, absorbed_id="none", reason=reason)),
        ("IdentityService.Split", pb.SplitRequest(identity_id=known, sighting_ids=["s"] * 100_000)),
        ("IdentityService.Undo", pb.UndoRequest(identity_id=known, reason=reason)),
        ("GalleryService.Delete", pb.DeleteRequest(identity_id=known, reason=reason)),
        ("GalleryService.Erase", pb.DeleteRequest(identity_id=known, reason=reason)),
        ("StandingService.Acknowledge", pb.AcknowledgeRequest(alert_ids=["a"] * 100_000)),
    ]
    return Hostile(*asked[int(rng.integers(len(asked)))], frozenset({BAD}))


def standing(rng: np.random.Generator, target: Target) -> Hostile:
    """A standing query that cannot be kept."""
    probe = pb.Probe(sighting_id=target.sighting_id)
    name, probability, probes = "hostile", 0.5, [probe]
    match int(rng.integers(3)):
        case 0:
            name = str(rng.choice(["", "a\nb", "\0x", "x" * 10_000]))
        case 1:
            probability = float(rng.choice([np.nan, -1, 1.5, np.inf]))
        case _:
            probes = [probe] * 200
    asked = pb.CreateStandingRequest(name=name, probes=probes, min_probability=probability)
    return Hostile("StandingService.Create", asked, frozenset({BAD}))


def moment(rng: np.random.Generator, target: Target) -> Hostile:
    """A moment that no clock shows."""
    seconds = int(rng.choice([2**62, -(2**62), 2**63 - 1, 253_402_300_800]))
    asked: dict[str, Any] = {
        "CameraService.Predict": pb.PredictRequest(camera_id="c", left_at={"seconds": seconds}),
        "IdentityService.History": pb.HistoryRequest(identity_id=target.identity_id, at={"seconds": seconds}),
        "GalleryService.Enroll": pb.EnrollRequest(
            images=[pb.ImageProbe(data=good_picture(rng))], seen_at={"seconds": seconds}
        ),
    }
    call = sorted(asked)[int(rng.integers(len(asked)))]
    return Hostile(call, asked[call], frozenset({BAD}))


def huge(rng: np.random.Generator, target: Target) -> Hostile:
    """Seldom a picture of honest millions of pixels or a message beyond any bound; else one that only says so."""
    match int(rng.integers(60)):
        case 0:
            return _by_picture(blank(6000, 6000), {OK})
        case 1:
            return _by_picture(blank(8000, 6000), {BAD})
        case 2:
            return _by_picture(bytes(40 * 2**20), {BUSY})
        case _:
            return _by_picture(bomb(int(rng.integers(7000, 2**16)), int(rng.integers(7000, 2**16))), {BAD})


def garbage(rng: np.random.Generator, target: Target) -> Hostile:
    """Bytes that are no message: gRPC itself says INTERNAL, and nothing else may come of it."""
    call = ("MatcherService.Search", "GalleryService.Stats", "IdentityService.Merge", "GalleryService.Enroll")
    body = b"\x0a\xff\xff\xff\xff\x0f" + rng.bytes(int(rng.integers(1, 4096)))
    return Hostile(call[int(rng.integers(4))], body, frozenset({INTERNAL}))


def box(rng: np.random.Generator, target: Target) -> Hostile:
    """A box that lies anywhere, in a picture looked at in any way."""
    corners = rng.choice([np.nan, np.inf, -1e30, 1e30, -5, 3, 4, 1e9], 4)
    x1, y1, x2, y2 = (float(c) for c in corners)
    probe = pb.ImageProbe(
        data=good_picture(rng),
        mode=pb.ImageMode.ValueType(int(rng.integers(0, 9))),
        box=pb.Box(x1=x1, y1=y1, x2=x2, y2=y2),
    )
    return _search({BAD, OK}, probes=[pb.Probe(image=probe)])


def foreign(rng: np.random.Generator, target: Target) -> Hostile:
    """An export that is none."""
    fields = {str(rng.choice(["codec", "embedding", "x"])): rng.bytes(int(rng.integers(0, 64))) for _ in range(3)}
    chunk = pb.ExportChunk(sightings=[pb.ExportedSighting(identity_id="i", fields=fields)])
    return Hostile("GalleryService.Import", chunk, frozenset({BAD}))


MAKERS: tuple[Maker, ...] = (
    image,
    huge,
    embedding,
    number,
    identifier,
    restriction,
    position,
    page,
    empty,
    box,
    foreign,
    correction,
    standing,
    moment,
    garbage,
)


def hostile(seed: int, target: Target) -> Hostile:
    """One request of any kind."""
    rng = np.random.default_rng(seed)
    return MAKERS[int(rng.integers(len(MAKERS)))](rng, target)
