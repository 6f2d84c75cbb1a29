"""How a sighting, an event and a camera look as bytes. Owns the format and its validation; never stores anything.

Arrays are little-endian bytes, vectors fp16; what is text is UTF-8, what is nested is JSON with sorted keys, and
nanoseconds are decimal text because they exceed what a double carries exactly.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from services.identity.keys import IDENTITY_PARTS
from services.identity.records import (
    FORMER_IDS,
    LIST_FIELDS,
    CameraRecord,
    Event,
    EventKind,
    IdentityRecord,
    is_event_id,
)
from services.types import ModelVectors, Sighting
from tracker.types import Decision, TrackKey

VERSION = 1
Fields = dict[str, bytes]

#: Whoever holds sightings in columns has 64 bits for a time and 32 for a revision.
_LATEST_NS, _MOST_REVISIONS = 2**63 - 1, 2**31 - 1
_INT_FIELDS = frozenset({"revision"})
_BOOL_FIELDS = frozenset({"final", "enrolled", "absorbed_enrolled", "survivor_enrolled"})


def dumps(value: Any) -> str:
    """JSON, the same for the same value; refuses what is not a finite number."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def check_id(name: str, value: str) -> str:
    """An id as it may stand in a key.

    Raises:
        ValueError: Empty, longer than 200 characters, or with white space or control characters.
    """
    if not value or len(value) > 200 or any(c.isspace() or not c.isprintable() for c in value):
        raise ValueError(f"{name} must be 1 to 200 printable characters without spaces, got {value!r}")
    return value


def check_identity_id(name: str, value: str) -> str:
    """An identity's id as it may stand in keys, beside those that hold what belongs to another identity.

    Raises:
        ValueError: As check_id, or it ends as the key of an identity's sightings, aliases or events does.
    """
    if check_id(name, value).endswith(IDENTITY_PARTS):
        raise ValueError(f"{name} must not end in {', '.join(IDENTITY_PARTS)}, got {value!r}")
    return value


def check_position(value: str) -> str:
    """A position in a stream.

    Raises:
        ValueError: It is none.
    """
    if not is_event_id(value):
        raise ValueError(f"position must be <milliseconds>-<number>, got {value[:40]!r}")
    return value


def _finite(name: str, array: NDArray[Any]) -> None:
    if not bool(np.isfinite(array).all()):
        raise ValueError(f"{name} must be finite")


def _validate(s: Sighting) -> None:
    check_id("sighting_id", s.sighting_id)
    n = len(s.times_ns)
    for name, want in {"times_ns": (n,), "frames": (n,), "boxes_xyxy": (n, 4), "class_probs": (4,)}.items():
        shape = getattr(s, name).shape
        if shape != want:
            raise ValueError(f"{name} must be {want}, got {shape}")
    if len(s.exemplars) and s.exemplars.shape[1] != len(s.embedding):
        raise ValueError(f"exemplars must be (E, {len(s.embedding)}), got {s.exemplars.shape}")
    if s.start_ns < 0 or not math.isfinite(s.quality):
        raise ValueError(f"start_ns must be >= 0 and quality finite, got {s.start_ns} and {s.quality}")
    if s.end_ns > _LATEST_NS or s.revision > _MOST_REVISIONS:
        got = f"{str(s.end_ns)[:24]} and {str(s.revision)[:24]}"
        raise ValueError(f"end_ns must be at most {_LATEST_NS} and revision {_MOST_REVISIONS}, got {got}")
    for name in ("boxes_xyxy", "class_probs", "embedding", "exemplars"):
        _finite(name, getattr(s, name))
    if s.beside is not None:
        validate_vectors(s.beside)


def validate_vectors(vectors: ModelVectors) -> None:
    """Refuses vectors that cannot be stored.

    Raises:
        ValueError: They are not finite, or the exemplars are of another length.
    """
    _finite("embedding", vectors.embedding)
    _finite("exemplars", vectors.exemplars)
    if len(vectors.exemplars) and vectors.exemplars.shape[1] != len(vectors.embedding):
        raise ValueError(f"exemplars must be (E, {len(vectors.embedding)}), got {vectors.exemplars.shape}")


def encode_sighting(s: Sighting) -> Fields:
    """A sighting as hash fields: always the same names, so that a revision overwrites its predecessor completely.

    Raises:
        ValueError: Shapes disagree, a number is not finite or beyond what is held, or an id cannot stand in a key.
    """
    _validate(s)
    text = {
        "codec": str(VERSION),
        "sighting_id": s.sighting_id,
        "revision": str(s.revision),
        "final": "1" if s.final else "0",
        "track_keys": dumps([[k.camera_id, k.session_id, k.track_id] for k in s.track_keys]),
        "camera_id": s.camera_id,
        "start_ns": str(int(s.start_ns)),
        "end_ns": str(int(s.end_ns)),
        "colour": dumps({name: float(p) for name, p in s.colour.items()}),
        "quality": repr(float(s.quality)),
        "model_id": s.model_id,
        "crop_keys": dumps(list(s.crop_keys)),
        "frame_size": dumps([int(v) for v in s.frame_size]),
    }
    fields = {name: value.encode() for name, value in text.items()}
    fields["times_ns"] = s.times_ns.astype("<i8").tobytes()
    fields["frames"] = s.frames.astype("<i8").tobytes()
    fields["boxes_xyxy"] = s.boxes_xyxy.astype("<f4").tobytes()
    fields["class_probs"] = s.class_probs.astype("<f4").tobytes()
    fields["embedding"] = s.embedding.astype("<f2").tobytes()
    fields["exemplars"] = s.exemplars.astype("<f2").tobytes()
    return fields | encode_beside(s.beside)


def encode_beside(vectors: ModelVectors | None) -> Fields:
    """What another model makes of a sighting as hash fields, empty ones for none."""
    if vectors is None:
        return {"beside_model_id": b"", "beside_embedding": b"", "beside_exemplars": b""}
    return {
        "beside_model_id": vectors.model_id.encode(),
        "beside_embedding": vectors.embedding.astype("<f2").tobytes(),
        "beside_exemplars": vectors.exemplars.astype("<f2").tobytes(),
    }


def _unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(norms > 0, norms, 1)).astype(np.float32)


def decode_sighting(fields: Mapping[str, bytes]) -> Sighting:
    """The sighting behind hash fields. Vectors come back as float32 of norm 1, rounded as fp16 rounds.

    Raises:
        ValueError: Written by a newer format.
    """
    version = int(fields["codec"])
    if version > VERSION:
        raise ValueError(f"sighting was written in format {version}, this program reads up to {VERSION}")
    own = _vectors(fields["model_id"], fields["embedding"], fields["exemplars"])
    # Written before a site could change its model, a hash has none of these.
    other = fields.get("beside_model_id", b"")
    width, height = json.loads(fields["frame_size"])
    return Sighting(
        sighting_id=fields["sighting_id"].decode(),
        revision=int(fields["revision"]),
        final=fields["final"] == b"1",
        track_keys=tuple(TrackKey(c, s, t) for c, s, t in json.loads(fields["track_keys"])),
        camera_id=fields["camera_id"].decode(),
        start_ns=int(fields["start_ns"]),
        end_ns=int(fields["end_ns"]),
        times_ns=np.frombuffer(fields["times_ns"], "<i8").astype(np.int64),
        frames=np.frombuffer(fields["frames"], "<i8").astype(np.int64),
        boxes_xyxy=np.frombuffer(fields["boxes_xyxy"], "<f4").astype(np.float32).reshape(-1, 4),
        class_probs=np.frombuffer(fields["class_probs"], "<f4").astype(np.float32),
        colour=dict(json.loads(fields["colour"])),
        embedding=own.embedding,
        exemplars=own.exemplars,
        quality=float(fields["quality"]),
        model_id=own.model_id,
        crop_keys=tuple(json.loads(fields["crop_keys"])),
        frame_size=(width, height),
        beside=_vectors(other, fields["beside_embedding"], fields["beside_exemplars"]) if other else None,
    )


def _vectors(model_id: bytes, embedding: bytes, exemplars: bytes) -> ModelVectors:
    vector = np.frombuffer(embedding, "<f2").astype(np.float32)
    views = np.frombuffer(exemplars, "<f2").astype(np.float32).reshape(-1, len(vector))
    return ModelVectors(model_id.decode(), _unit_rows(vector[None])[0], _unit_rows(views))


def cut_vectors(embedding: bytes, exemplars: bytes) -> list[bytes]:
    """The stored bytes of each vector of a sighting, the embedding first.

    >>> cut_vectors(b"ab", b"cdef")
    [b'ab', b'cd', b'ef']
    """
    size = len(embedding)
    return [embedding, *(exemplars[start : start + size] for start in range(0, len(exemplars), size))]


def sessions_of(track_keys: bytes) -> set[str]:
    """Sessions named by an encoded ``track_keys`` field."""
    return {session for _, session, _ in json.loads(track_keys)}


def decision_body(decision: Decision) -> dict[str, object]:
    """What ``sighting.decided`` says beside the ids.

    Raises:
        ValueError: A number is not finite.
    """
    body: dict[str, object] = {
        "status": decision.status.value,
        "llr": float(decision.log_likelihood_ratio),
        "margin": float(decision.margin),
        "probability": float(decision.probability),
        "evidence": {name: float(nats) for name, nats in decision.evidence.items()},
        "runner_up": decision.runner_up,
    }
    return cast(dict[str, object], json.loads(dumps(body)))


def checked_decision(decision: Decision, sighting: Sighting) -> tuple[str, dict[str, object]]:
    """The identity and the body of a decision that is written together with its sighting.

    Raises:
        ValueError: It is of another revision, a number is not finite, or the identity's id cannot stand in a key.
    """
    decided, put = (decision.sighting_id, decision.revision), (sighting.sighting_id, sighting.revision)
    if decided != put:
        raise ValueError(f"decision must be of {put}, got one of {decided}")
    return check_identity_id("identity_id", decision.identity_id), decision_body(decision)


def decode_event(event_id: str, fields: Mapping[str, bytes]) -> Event:
    """An entry of `events`: ``data`` is JSON of the caller, every other field lies on top of it."""
    payload: dict[str, object] = json.loads(fields["data"]) if "data" in fields else {}
    for name, value in fields.items():
        if name in ("kind", "at_ns", "data"):
            continue
        if name in _INT_FIELDS:
            payload[name] = int(value)
        elif name in _BOOL_FIELDS:
            payload[name] = value == b"1"
        elif name in LIST_FIELDS or name == FORMER_IDS:
            payload[name] = json.loads(value)
        else:
            payload[name] = value.decode()
    return Event(event_id, cast(EventKind, fields["kind"].decode()), int(fields["at_ns"]), payload)


def encode_camera(record: CameraRecord) -> dict[str, str]:
    """A camera as hash fields."""
    return {
        "camera_id": check_id("camera_id", record.camera_id),
        "url": record.url,
        "origin": record.origin,
        "state": record.state,
        "detail": record.detail,
        "updated_at_ns": str(record.updated_at_ns),
        "stats": dumps({name: float(value) for name, value in record.stats.items()}),
    }


def decode_camera(fields: Mapping[str, bytes]) -> CameraRecord:
    """The camera behind hash fields."""
    return CameraRecord(
        camera_id=fields["camera_id"].decode(),
        url=fields["url"].decode(),
        origin=cast(Literal["file", "runtime"], fields["origin"].decode()),
        state=cast(Literal["starting", "up", "down", "ended"], fields["state"].decode()),
        detail=fields["detail"].decode(),
        updated_at_ns=int(fields["updated_at_ns"]),
        stats=json.loads(fields["stats"]),
    )


def identity_record(
    identity_id: str,
    status: str,
    aliases: Iterable[str],
    rows: Iterable[tuple[str, str, int, int]],
    *,
    enrolled: bool = False,
) -> IdentityRecord:
    """Puts a record together.

    Args:
        identity_id: The living id.
        status: Of its latest decision.
        aliases: Ids merged into it, any order.
        rows: (sighting_id, camera_id, start_ns, end_ns) of its sightings, any order, at least one.
        enrolled: Whether it is.
    """
    ordered = sorted(rows, key=lambda row: (row[2], row[0]))
    return IdentityRecord(
        identity_id=identity_id,
        sighting_ids=tuple(row[0] for row in ordered),
        cameras=tuple(dict.fromkeys(row[1] for row in ordered)),
        first_seen_ns=ordered[0][2],
        last_seen_ns=max(row[3] for row in ordered),
        status=status,
        aliases=tuple(sorted(aliases)),
        enrolled=enrolled,
    )
