"""What an ingest process tells a scrape, read from what its parts count anyway. Counts nothing itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from prometheus_client.metrics_core import Metric as Family

from services.identity.store import CameraRecord
from services.ingest.crew import CameraCrew
from services.ingest.publisher import SightingPublisher
from services.ingest.sharing import CameraShare
from services.ingest.sightings import SightingBuilder
from services.observability import catalogue
from services.observability.catalogue import Metric
from services.observability.instruments import Row, family, single

#: Names of a camera's figures by the reason that a frame or packet was left out.
_LEFT_OUT = {
    "replaced": "frames_dropped",
    "still": "frames_gated",
    "paced": "frames_paced",
    "capped": "frames_capped",
    "damaged": "frames_damaged",
    "skipped": "packets_skipped",
}
_BY_CAMERA: dict[Metric, str] = {
    catalogue.FRAMES_OFFERED: "frames_offered",
    catalogue.FRAMES_INFERRED: "frames_inferred",
    catalogue.FRAME_RATE: "frames_per_s",
    catalogue.VEHICLES: "vehicles",
    catalogue.INPUT_WIDTH: "input_width_px",
    catalogue.RECONNECTS: "reconnects",
    catalogue.READS_ABANDONED: "reads_abandoned",
}


class IngestExposition:
    """Values of now. Any thread may ask."""

    def __init__(
        self,
        crew: CameraCrew,
        share: CameraShare,
        publisher: SightingPublisher,
        builder: SightingBuilder,
        spool_limit: int,
        busy_share: Callable[[], float] = lambda: math.nan,
    ) -> None:
        self._crew = crew
        self._share = share
        self._publisher = publisher
        self._builder = builder
        self._spool_limit = spool_limit
        self._busy_share = busy_share

    def families(self) -> Iterator[Family]:
        """Cameras, tracks, sightings and spool."""
        yield from self._cameras(self._crew.records())
        wanted = self._share.wanted
        yield single(catalogue.CAMERAS_WANTED, len(wanted))
        leased = {camera_id: self._share.lease_of(camera_id) is not None for camera_id in wanted}
        yield family(catalogue.CAMERA_LEASED, [((camera_id,), float(held)) for camera_id, held in leased.items()])
        yield single(catalogue.BUSY_SHARE, self._busy_share())
        yield from self._sightings()

    @staticmethod
    def _cameras(records: Sequence[CameraRecord]) -> Iterator[Family]:
        # A recording that was read to its end is not a camera that is down.
        live = [r for r in records if r.state != "ended"]
        yield family(catalogue.CAMERA_UP, [((r.camera_id,), float(r.state == "up")) for r in live])
        for metric, name in _BY_CAMERA.items():
            yield family(metric, [((r.camera_id,), r.stats[name]) for r in records])
        yield family(catalogue.FRAMES_DECODED, [((r.camera_id,), _decoded(r)) for r in records])
        dropped: list[Row] = [
            ((r.camera_id, reason), r.stats[name]) for r in records for reason, name in _LEFT_OUT.items()
        ]
        yield family(catalogue.FRAMES_DROPPED, dropped)

    def _sightings(self) -> Iterator[Family]:
        counts = self._publisher.counts()
        yield single(catalogue.SIGHTINGS_REPLAYED, counts.replayed)
        yield family(catalogue.SIGHTINGS_DROPPED, [((reason,), n) for reason, n in counts.dropped.items()])
        yield single(catalogue.SPOOL, counts.spooled)
        yield single(catalogue.SPOOL_LIMIT, self._spool_limit)
        yield single(catalogue.CROPS_FAILED, counts.crops_failed)
        builder = self._builder
        tracks = {"split": builder.split_tracks, "joined": builder.joined_tracks, **builder.skipped}
        yield family(catalogue.TRACKS, [((outcome,), n) for outcome, n in tracks.items()])


def _decoded(record: CameraRecord) -> float:
    """What was decoded is offered, or left out afterwards for its rate."""
    stats = record.stats
    return stats["frames_offered"] + stats["frames_paced"] + stats["frames_capped"]
