"""What requests say, checked field by field and read into vectors. Answers nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from services.errors import InputError
from services.matcher.gallery import Gallery, model_changed
from services.matcher.index.contract import Vectors
from services.matcher.probes import BoxPx, Picture, ProbeReader, Reading
from services.matcher.servicers import required
from services.matcher.types import ImageMode, Reranking
from services.rpc import convert
from services.rpc import vreid_pb2 as pb

MAX_PROBES = 16
DEFAULT_RERANK_DEPTH = 100
MAX_RERANK_DEPTH = 1000


def picture_of(probe: pb.ImageProbe, name: str) -> Picture:
    """A picture as the reader takes it.

    Raises:
        InputError: An unknown mode, or one that contradicts ``as_is`` or the box.
    """
    box: BoxPx | None = None
    if probe.HasField("box"):
        box = (probe.box.x1, probe.box.y1, probe.box.x2, probe.box.y2)
    if probe.mode == pb.IMAGE_MODE_UNSPECIFIED:
        mode = ImageMode.AS_IS if probe.as_is else ImageMode.BOX if box is not None else ImageMode.LARGEST
    elif probe.mode in convert.MODE_OF:
        mode = convert.MODE_OF[probe.mode]
    else:
        raise InputError(f"{name}.mode: unknown value {probe.mode}")
    if probe.as_is and mode is not ImageMode.AS_IS:
        raise InputError(f"{name}: as_is contradicts mode {mode.value}")
    if box is not None and mode is not ImageMode.BOX:
        raise InputError(f"{name}: a box contradicts mode {mode.value}")
    return Picture(probe.data, mode, box, name)


def reranking_of(value: int) -> Reranking:
    """How to re-rank.

    Raises:
        InputError: Unknown.
    """
    if value not in convert.RERANK_OF:
        raise InputError(f"rerank: unknown value {value}")
    return convert.RERANK_OF[value]


@dataclass(frozen=True, slots=True)
class ProbeSet:
    """Probes as they were read, in the order of the request."""

    readings: tuple[Reading, ...]
    sighting_ids: frozenset[str]
    identity_ids: frozenset[str]

    @property
    def vectors(self) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """All vectors, float32 (V, dim)."""
        return np.concatenate([reading.vectors for reading in self.readings])

    @property
    def model_id(self) -> str:
        """The model behind all vectors; empty where there are none.

        Raises:
            Unavailable: The site changed its model while they were read.
        """
        models = {reading.spec.model_id for reading in self.readings}
        if len(models) > 1:
            raise model_changed()
        return next(iter(models), "")


class RequestReader:
    """Reads probes with the networks and the gallery. Safe for threads."""

    def __init__(self, gallery: Gallery, reader: ProbeReader) -> None:
        self._gallery = gallery
        self._reader = reader

    def probes(self, probes: Sequence[pb.Probe], name: str, timeout_s: float, *, least: int = 1) -> ProbeSet:
        """Reads probes.

        Raises:
            InputError: Fewer than ``least``, more than MAX_PROBES, or one of them says nothing usable.
            NotFound: A sighting or identity that is not held.
            ModelMismatch: Vectors of another model.
        """
        if not least <= len(probes) <= MAX_PROBES:
            raise InputError(f"{name}: must be {least} to {MAX_PROBES}, got {len(probes)}")
        return ProbeSet(
            tuple(self._read(probe, f"{name}[{i}]", timeout_s) for i, probe in enumerate(probes)),
            frozenset(p.sighting_id for p in probes if p.sighting_id),
            frozenset(p.identity_id for p in probes if p.identity_id),
        )

    def _read(self, probe: pb.Probe, name: str, timeout_s: float) -> Reading:
        match probe.WhichOneof("source"):
            case "image":
                return self._reader.picture(picture_of(probe.image, f"{name}.image"), timeout_s)
            case "embedding":
                return self._reader.embedding(probe.embedding.values, probe.embedding.model_id, f"{name}.embedding")
            case "sighting_id":
                sighting_id = required(probe.sighting_id, f"{name}.sighting_id")
                return self._held(lambda: self._gallery.vector_of_sighting(sighting_id))
            case "identity_id":
                identity_id = required(probe.identity_id, f"{name}.identity_id")
                return self._held(lambda: self._gallery.vectors_of_identity(identity_id))
        raise InputError(f"{name}: give an image, an embedding, a sighting_id or an identity_id")

    def _held(self, read: Callable[[], Vectors]) -> Reading:
        """Vectors out of the gallery, with the model that it held before and after."""
        spec = self._gallery.spec
        reading = Reading(read(), spec)
        if self._gallery.spec is not spec:
            raise model_changed()
        return reading
