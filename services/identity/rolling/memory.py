"""The part of the store in memory that knows models: the same outcomes as the scripts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence

from services.identity.codec import Fields, check_id, encode_beside, validate_vectors
from services.identity.keys import ASSOCIATOR_LEASE
from services.identity.memory_state import MemoryState
from services.identity.rolling.contract import (
    FORGET_OPENER_NS,
    STARTS_FROM,
    Action,
    Described,
    ModelRef,
    Opener,
    Roll,
    Stage,
    check_step,
    refusal,
)
from services.types import ModelVectors
from tracker.multi_camera.scoring.camera_means import LINK_PREFIX


class MemoryRolling:
    """RollingStore in memory; the store that inherits it brings state, lock and fences."""

    _state: MemoryState
    _changed: threading.Condition
    _clock_ns: Callable[[], int]
    _fences: dict[str, int]

    def roll(self) -> Roll:
        """See RollingStore."""
        with self._changed:
            return self._state.roll

    def step_roll(self, action: Action, before: ModelRef, other: ModelRef, actor: str) -> str:
        """See RollingStore."""
        check_step(action, before, other)
        with self._changed:
            state, roll = self._state, self._state.roll
            to, one, two = _after(action, before, other)
            if (roll.stage, _id(roll.active), _id(roll.other)) == (to, one.model_id, _id(two)):
                return state.last_event_id()
            elsewhere = roll.active is not None and roll.active.model_id != before.model_id
            unknown = roll.stage != "none" and _id(roll.other) != other.model_id
            if roll.stage not in STARTS_FROM[action] or elsewhere or unknown:
                raise refusal(action, roll)
            if action in ("switch", "back"):
                self._swap_means(before.model_id, other.model_id)
                self._fences[ASSOCIATOR_LEASE] = self._fences.get(ASSOCIATOR_LEASE, 0) + 1
            if action == "done":
                state.means.pop(other.model_id, None)
            now_ns = self._clock_ns() // 1000 * 1000
            state.roll = Roll(to, one, two, now_ns if action == "start" else roll.started_at_ns, now_ns)
            state.note(actor, f"roll_{action}", one.model_id[:12], 0, _id(two)[:12])
            said = {"action": action, "stage": to, "model_id": one.model_id, "other_model_id": _id(two)}
            position = state.emit("model.rolled", {**said, "actor": actor})
            self._changed.notify_all()
            return position

    def _swap_means(self, old: str, new: str) -> None:
        state = self._state
        going = {name: text for name, text in state.links.items() if name.startswith(LINK_PREFIX)}
        state.links = {name: text for name, text in state.links.items() if name not in going}
        if going:
            state.means[old] = state.means.get(old, {}) | going
        state.links |= state.means.pop(new, {})

    def put_beside(self, sighting_id: str, revision: int, vectors: ModelVectors) -> bool:
        """See RollingStore."""
        validate_vectors(vectors)
        with self._changed:
            row = self._state.rows.get(sighting_id)
            wanted = {ref.model_id.encode() for ref in self._state.roll.kept}
            model_id = vectors.model_id.encode()
            if row is None or row.revision != revision or model_id not in wanted:
                return False
            fields = row.fields
            if model_id in (fields["model_id"], fields["beside_model_id"]):
                return False
            beside = encode_beside(vectors)
            if fields["model_id"] in wanted:
                fields.update(beside)
            else:
                fields.update({name.removeprefix("beside_"): value for name, value in beside.items()})
            if vectors.model_id == _id(self._state.roll.active):
                payload = {"sighting_id": sighting_id, "revision": revision, "model_id": vectors.model_id}
                self._state.emit("sighting.embedded", payload)
                self._changed.notify_all()
            return True

    def settle_vectors(self, sighting_ids: Sequence[str]) -> None:
        """See RollingStore."""
        with self._changed:
            for sighting_id in sighting_ids:
                if sighting_id in self._state.rows:
                    settled(self._state.rows[sighting_id].fields, self._state.roll)

    def scan_described(self) -> Iterator[Described]:
        """See RollingStore."""
        with self._changed:
            newest = sorted(self._state.rows.items(), key=lambda item: (item[1].end_us, item[0]), reverse=True)
            found = [
                Described(
                    sighting_id,
                    row.revision,
                    tuple(raw.decode() for raw in (row.fields["model_id"], row.fields["beside_model_id"]) if raw),
                    tuple(json.loads(row.fields["crop_keys"])),
                    row.identity_id or "",
                )
                for sighting_id, row in newest
            ]
        yield from found

    def say_open(self, name: str, model_ids: Sequence[str]) -> None:
        """See RollingStore."""
        with self._changed:
            now_ns, known = self._clock_ns(), self._state.openers
            self._state.openers = {n: o for n, o in known.items() if now_ns - o.said_at_ns <= FORGET_OPENER_NS}
            self._state.openers.pop(check_id("opener", name), None)
            if model_ids:
                self._state.openers[name] = Opener(name, tuple(model_ids), now_ns)

    def openers(self) -> list[Opener]:
        """See RollingStore."""
        with self._changed:
            return [self._state.openers[name] for name in sorted(self._state.openers)]


def settled(fields: Fields, roll: Roll) -> None:
    """Takes out of a stored sighting the vectors of models that the site no longer has; its only ones stay."""
    beside = fields["beside_model_id"]
    if roll.active is None or not beside:
        return
    wanted = {ref.model_id.encode() for ref in roll.kept}
    if beside in wanted and fields["model_id"] not in wanted:
        fields.update({name: fields[f"beside_{name}"] for name in ("model_id", "embedding", "exemplars")})
        fields.update(encode_beside(None))
    elif beside not in wanted or beside == fields["model_id"]:
        fields.update(encode_beside(None))


def _after(action: Action, before: ModelRef, other: ModelRef) -> tuple[Stage, ModelRef, ModelRef | None]:
    """Stage, active and other model once a step is made."""
    match action:
        case "start":
            return "shadow", before, other
        case "switch":
            return "switched", other, before
        case "back":
            return "shadow", other, before
        case "end":
            return "clearing", before, other
    return "none", before, None


def _id(ref: ModelRef | None) -> str:
    return "" if ref is None else ref.model_id
