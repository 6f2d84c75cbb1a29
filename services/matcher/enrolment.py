"""Sightings that people put in, correct or bring from elsewhere, written through the store. Searches nothing."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from detector.colour import colour_probabilities
from detector.types import COLOURS, VehicleClass
from services.crops import CropStore
from services.errors import InputError, ModelMismatch, NotFound, Unavailable
from services.identity.codec import decode_sighting
from services.identity.store import IdentityStore
from services.ids import IdFactory, uuid7
from services.matcher.probes import Reading, certain
from services.privacy.guard import PictureGuard
from services.types import ENROLLED_CAMERA, MAX_EXEMPLARS, Lease, Sighting
from services.vectors import mean_direction
from tracker.types import Decision, DecisionStatus, TrackKey

LEASE = "enrolment"
_LEASE_S = 30.0


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A vehicle to put in.

    Attributes:
        readings: Its pictures as they were read, at least one.
        identity_id: To whom it belongs; empty for a new identity.
        vehicle_class: None for what the pictures show.
        colour: Empty for what the pictures show.
        seen_at_ns: UTC nanoseconds; None for now.
    """

    readings: Sequence[Reading]
    identity_id: str = ""
    vehicle_class: VehicleClass | None = None
    colour: str = ""
    seen_at_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """A sighting as an export holds it.

    Attributes:
        identity_id: Whose; empty while there was no decision.
        fields: The store's, by name.
        enrolled: Whether the identity is enrolled.
    """

    identity_id: str
    fields: Mapping[str, bytes]
    enrolled: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    identity_id: str
    sighting_id: str
    revision: int
    log_position: str


class Enroller:
    """Writes sightings under a lease of its own. Safe for threads."""

    def __init__(
        self,
        store: IdentityStore,
        model_id: Callable[[], str],
        crops: CropStore | None = None,
        id_factory: IdFactory = uuid7,
        clock_ns: Callable[[], int] = time.time_ns,
        guard: PictureGuard | None = None,
    ) -> None:
        """Takes no lease until something is written.

        Args:
            store: Written to.
            model_id: That of the gallery, asked each time because a site may change its model.
            crops: Where their pictures are kept; None keeps none.
            id_factory: Makes ids.
            clock_ns: UTC nanoseconds.
            guard: What pictures must look like that are kept; None for the rule without a detector of plates.
        """
        self._guard = guard or PictureGuard()
        self._store = store
        self._model_id = model_id
        self._crops = crops
        self._new_id = id_factory
        self._clock_ns = clock_ns

    def enroll(self, asked: Enrolment, actor: str) -> Written:
        """Puts a vehicle in; it is kept beyond the retention of sightings that cameras made.

        Args:
            asked: The vehicle.
            actor: Who asks, for the audit.

        Raises:
            NotFound: ``identity_id`` is not known.
            StoreUnavailable: Nothing was written, or the answer was lost.
            Unavailable: The site changed its model while the pictures were read, or the store did not take it.
        """
        identity_id = asked.identity_id
        if identity_id:
            living = self._store.resolve(identity_id)
            if living is None:
                raise NotFound(f"identity_id: no identity {identity_id}")
            identity_id = living
        sighting = self._sighting(asked)
        written = self._write(sighting, identity_id or self._new_id(), enrolled_by=actor)
        if written is None:
            raise Unavailable("the store did not take the sighting; try again")
        return written

    def update(self, sighting_id: str, vehicle_class: VehicleClass | None, colour: str) -> Written:
        """Corrects class or colour of a sighting, as a new revision.

        Raises:
            InputError: Nothing is to be changed, or the vehicle is in view: its camera numbers the next revision.
            NotFound: There is no such sighting.
            Unavailable: It changed meanwhile.
        """
        if vehicle_class is None and not colour:
            raise InputError("vehicle_class: give a class or a colour")
        old = self._store.get_sighting(sighting_id)
        if old is None:
            raise NotFound(f"sighting_id: no sighting {sighting_id}")
        if not old.final:
            raise InputError(f"sighting_id: {sighting_id} is still in view; correct it when the vehicle has left")
        fresh = replace(
            old,
            revision=old.revision + 1,
            class_probs=old.class_probs if vehicle_class is None else certain(vehicle_class),
            colour={colour: 1.0} if colour else old.colour,
        )
        with _Leased(self._store) as lease:
            result = self._store.put_sighting(fresh, lease)
        if not result.accepted:
            raise Unavailable(f"sighting_id: {sighting_id} changed meanwhile; try again")
        identity_id = self._store.identity_of(sighting_id) or ""
        return Written(identity_id, sighting_id, fresh.revision, result.log_position)

    def take(self, exported: Exported, actor: str) -> Written | None:
        """Takes an exported sighting; None where it is held already, or was deleted here and is not taken again.

        Args:
            exported: The sighting. One that a person put in, or of an enrolled identity, enrols its identity here too.
            actor: Who asks, for the audit.

        Raises:
            InputError: The fields are no sighting, or one that cannot be stored.
            ModelMismatch: Another model made its vectors.
        """
        try:
            sighting = decode_sighting(exported.fields)
        except (KeyError, ValueError, TypeError, OverflowError, RecursionError) as exc:
            raise InputError(f"sightings: not a stored sighting: {exc}") from exc
        if not set(sighting.colour) <= set(COLOURS):
            raise InputError(
                f"sightings: {sighting.sighting_id[:64]!r} has a colour that is none of {', '.join(COLOURS)}"
            )
        if sighting.model_id != self._model_id():
            raise ModelMismatch(f"sightings: {sighting.sighting_id} is of model {sighting.model_id[:64]}")
        held = self._store.get_sighting(sighting.sighting_id)
        if held is not None and held.revision >= sighting.revision:
            return None
        enrols = exported.enrolled or sighting.camera_id == ENROLLED_CAMERA
        try:
            return self._write(sighting, exported.identity_id, enrolled_by=actor if enrols else "")
        except (ValueError, OverflowError) as exc:
            raise InputError(f"sightings: {sighting.sighting_id[:64]!r} cannot be stored: {exc}") from exc

    def _write(self, sighting: Sighting, identity_id: str, *, enrolled_by: str = "") -> Written | None:
        """Writes a sighting and, where that is known, whose it is; None where the store does not take it."""
        known = bool(identity_id) and self._store.resolve(identity_id) is not None
        status = DecisionStatus.MATCHED if known else DecisionStatus.NEW
        decision = Decision(sighting.sighting_id, sighting.revision, status, identity_id, 0.0, 0.0, 1.0)
        with _Leased(self._store) as lease:
            if identity_id:
                put = self._store.put_decided(sighting, decision, lease, enrolled_by=enrolled_by)
            else:
                put = self._store.put_sighting(sighting, lease)
        return Written(identity_id, sighting.sighting_id, sighting.revision, put.log_position) if put.accepted else None

    def _sighting(self, asked: Enrolment) -> Sighting:
        models = {reading.spec.model_id for reading in asked.readings}
        if len(models) > 1:
            raise Unavailable("the site changed its model while the pictures were read; try again")
        input_hw = asked.readings[0].spec.input_hw
        vectors = np.concatenate([reading.vectors for reading in asked.readings])
        views = [view for reading in asked.readings for view in reading.views]
        kept = range(min(len(vectors), MAX_EXEMPLARS))
        at_ns = asked.seen_at_ns if asked.seen_at_ns is not None else self._clock_ns()
        sighting_id = self._new_id()
        probs = next((r.class_probs for r in asked.readings if r.class_probs is not None), None)
        crops = self._crops
        return Sighting(
            sighting_id=sighting_id,
            revision=1,
            final=True,
            track_keys=(TrackKey(ENROLLED_CAMERA, sighting_id, 1),),
            camera_id=ENROLLED_CAMERA,
            start_ns=at_ns,
            end_ns=at_ns,
            times_ns=np.zeros(0, np.int64),
            frames=np.zeros(0, np.int64),
            boxes_xyxy=np.zeros((0, 4), np.float32),
            class_probs=certain(asked.vehicle_class or VehicleClass.CAR)
            if asked.vehicle_class is not None or probs is None
            else probs,
            colour={asked.colour: 1.0} if asked.colour else (colour_probabilities(views[0]) if views else {}),
            embedding=mean_direction(vectors),
            exemplars=vectors[kept].astype(np.float32),
            quality=1.0,
            model_id=models.pop(),
            crop_keys=()
            if crops is None
            else tuple(crops.put(self._guard.stored(views[i], input_hw)) for i in kept if i < len(views)),
        )


class _Leased:
    """A short lease for one write. Each has an owner of its own, so that concurrent writers take turns by name."""

    def __init__(self, store: IdentityStore) -> None:
        self._store = store
        self._lease: Lease | None = None

    def __enter__(self) -> Lease:
        # A name of its own as well: writers need no turn, the lease only fences writers of the past.
        name = f"{LEASE}-{uuid.uuid4().hex[:16]}"
        self._lease = self._store.acquire_lease(name, name, _LEASE_S)
        if self._lease is None:
            raise Unavailable("the store gives no lease to write with; try again")
        return self._lease

    def __exit__(self, *_: object) -> None:
        if self._lease is not None:
            self._store.release_lease(self._lease)
