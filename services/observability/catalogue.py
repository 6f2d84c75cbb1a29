"""Every metric that the product exposes: its name, kind, labels, unit and meaning. The only place that names them.

Labels are bounded by the configuration (cameras, roles) or by the code (reasons, methods, codes); no identity,
sighting, track or session ever is one. `docs/observability.md` holds the table made of this file, dashboards and alerts
are checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_CALL_S = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_AGE_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
_DECISION_S = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0, 300.0)
_BATCH = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of time series.

    Attributes:
        name: As Prometheus shows it; counters end in ``_total``, what has a unit ends in it before that.
        kind: "counter" never falls but at a restart, "gauge" is of now, "histogram" has three series.
        help: One line.
        labels: In order.
        buckets: Upper edges of a histogram, ascending.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """Names under which values appear in an exposition.

        >>> DETECTOR_BATCH.series
        ('vreid_detector_batch_frames_bucket', 'vreid_detector_batch_frames_sum', 'vreid_detector_batch_frames_count')
        """
        if self.kind != "histogram":
            return (self.name,)
        return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "counter", text, labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name, "gauge", text, labels)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name, "histogram", text, labels, buckets)


# Every role.
BUILD = _gauge("vreid_build_info", "1, with the version, role and site of the process.", "version", "role", "site")
DISK_FREE = _gauge("vreid_data_disk_free_bytes", "Free room on the disk of the data folder.")
DISK_SIZE = _gauge("vreid_data_disk_size_bytes", "Size of the disk of the data folder.")
CERTIFICATE_ENDS = _gauge(
    "vreid_certificate_expiry_timestamp_seconds", "When a configured TLS certificate ends, Unix time.", "certificate"
)
STORE_SECONDS = _histogram(
    "vreid_store_call_seconds", "Calls of Redis, retries included; waiting reads are left out.", _FAST_S, "call"
)
STORE_ERRORS = _counter("vreid_store_errors_total", "Calls that Redis did not answer or refused.", "call")
STORE_UP = _gauge("vreid_store_up", "Whether Redis answered when asked for this exposition.")

# Ingest: cameras.
CAMERA_UP = _gauge(
    "vreid_ingest_camera_up", "Whether a camera gives frames now; none for a recording that has ended.", "camera_id"
)
CAMERA_LEASED = _gauge("vreid_ingest_camera_leased", "Whether this process holds the camera's lease.", "camera_id")
CAMERAS_WANTED = _gauge("vreid_ingest_cameras_wanted", "Cameras that this process's group shall read.")
FRAMES_DECODED = _counter("vreid_ingest_frames_decoded_total", "Pictures that were decoded.", "camera_id")
FRAMES_OFFERED = _counter("vreid_ingest_frames_offered_total", "Frames put up for inference.", "camera_id")
FRAMES_INFERRED = _counter("vreid_ingest_frames_inferred_total", "Frames that detector and tracker saw.", "camera_id")
FRAMES_DROPPED = _counter(
    "vreid_ingest_frames_dropped_total",
    "Frames or packets left out: replaced by a newer frame, still (nothing moved), paced or capped (rate), damaged, "
    "skipped (packet not decoded).",
    "camera_id",
    "reason",
)
FRAME_AGE = _histogram(
    "vreid_ingest_frame_age_seconds", "From capture until the results of a frame were handed on.", _AGE_S, "camera_id"
)
FRAME_RATE = _gauge("vreid_ingest_inferred_frames_per_second", "Inferred frames in the last 5 s.", "camera_id")
VEHICLES = _gauge("vreid_ingest_vehicles", "Vehicles followed now.", "camera_id")
INPUT_WIDTH = _gauge(
    "vreid_ingest_input_width_pixels", "Width of the detector's input for a camera's frames.", "camera_id"
)
BUSY_SHARE = _gauge(
    "vreid_ingest_busy_ratio", "Share of the last seconds in which the thread of the networks worked; 1: no time left."
)
RECONNECTS = _counter("vreid_ingest_reconnects_total", "Sessions of a camera after its first.", "camera_id")
READS_ABANDONED = _counter("vreid_ingest_reads_abandoned_total", "Reads that hung and were given up.", "camera_id")

# Ingest: networks and sightings.
DETECTOR_SECONDS = _histogram("vreid_detector_batch_seconds", "One call of the detector.", _FAST_S)
DETECTOR_BATCH = _histogram("vreid_detector_batch_frames", "Pictures in one call of the detector.", _BATCH)
EMBEDDER_SECONDS = _histogram("vreid_embedder_batch_seconds", "One call of the embedder.", _FAST_S)
EMBEDDER_BATCH = _histogram("vreid_embedder_batch_crops", "Crops in one call of the embedder.", _BATCH)
TRACKS = _counter(
    "vreid_ingest_tracks_total",
    "Tracks split (changed over to another vehicle), joined (broken and mended), or skipped (no usable crop).",
    "outcome",
)
SIGHTINGS_PUT = _counter(
    "vreid_ingest_sightings_put_total", "Revisions of sightings that the store has acknowledged.", "camera_id"
)
SIGHTINGS_REPLAYED = _counter("vreid_ingest_sightings_replayed_total", "Of these, sent again after the store was away.")
SIGHTINGS_DROPPED = _counter(
    "vreid_ingest_sightings_dropped_total",
    "Revisions that were lost: spool_full, deadline, lease_lost, refused, outdated.",
    "reason",
)
SPOOL = _gauge("vreid_ingest_spool_sightings", "Revisions that wait to be written to the store.")
SPOOL_LIMIT = _gauge("vreid_ingest_spool_limit_sightings", "Revisions for which the spool has room.")
CROPS_FAILED = _counter("vreid_ingest_crops_failed_total", "Sightings that went without their pictures.")

# Matcher: association.
LEASE_HELD = _gauge("vreid_matcher_lease_held", "Whether this process associates, or retains.", "lease")
DECIDED = _counter("vreid_matcher_decisions_total", "Decisions committed: matched, new, ambiguous; or stale.", "kind")
DECISION_LATENCY = _histogram(
    "vreid_matcher_decision_latency_seconds",
    "From a revision's entry into the work stream until its decision, both by the store's clock.",
    _DECISION_S,
)
CHANGES = _counter("vreid_matcher_identity_changes_total", "Merges and splits by association.", "kind")
PENDING = _gauge("vreid_matcher_pending_sightings", "Revisions that were read and wait for their bucket to close.")
BACKLOG = _gauge(
    "vreid_matcher_backlog_sightings", "Revisions behind the committed cursor; 1000 means at least so many."
)
BACKLOG_AGE = _gauge("vreid_matcher_backlog_age_seconds", "How long the oldest of them has waited; 0 without any.")
ACTIVE = _gauge("vreid_matcher_active_identities", "Identities that association remembers.")

# Matcher: gallery and calls.
SERVING = _gauge("vreid_matcher_serving", "Whether the gallery has caught up and calls are answered.")
IDENTITIES = _gauge("vreid_gallery_identities", "Identities in the gallery.")
SIGHTINGS = _gauge("vreid_gallery_sightings", "Sightings in the gallery.")
VECTORS = _gauge("vreid_gallery_vectors", "Vectors in the index.")
INDEX_BYTES = _gauge("vreid_gallery_index_bytes", "Memory of the index.")
SEGMENTS = _gauge("vreid_gallery_segments", "Segments of the index that hold anything.")
LOG_LAG = _gauge("vreid_gallery_log_lag_seconds", "How far the gallery is behind the newest event of the store.")
EVENTS = _counter("vreid_gallery_events_total", "Events of the store's log that were applied.", "kind")
SNAPSHOT_AGE = _gauge("vreid_gallery_snapshot_age_seconds", "Since the newest snapshot on disk was written.")
SNAPSHOT_BYTES = _gauge("vreid_gallery_snapshot_bytes", "Size of the newest snapshot on disk.")
QUEUE_BATCH = _histogram("vreid_matcher_batch_requests", "Requests answered together, by queue.", _BATCH, "queue")
QUEUE_SECONDS = _histogram("vreid_matcher_batch_seconds", "Work on one such batch.", _FAST_S, "queue")
CALLS = _counter("vreid_grpc_calls_total", "Calls that have ended, by method and status.", "method", "code")
CALL_SECONDS = _histogram("vreid_grpc_call_seconds", "Time of calls; of streams, until their end.", _CALL_S, "method")
CALLS_RUNNING = _gauge("vreid_grpc_calls_running", "Calls that are being answered.", "method")

# Matcher: retention.
OVERDUE = _gauge("vreid_retention_overdue_sightings", "Past their time and still there; 1000 means at least so many.")
OVERDUE_AGE = _gauge("vreid_retention_overdue_seconds", "How long the latest of them is past its time; 0 without any.")
UNACKNOWLEDGED = _gauge(
    "vreid_retention_unacknowledged_sightings", "Deleted and still held somewhere; 1000 means at least so many."
)
SWEEPS = _counter("vreid_retention_sweeps_total", "Sweeps that were completed.")
EXPIRED = _counter("vreid_retention_expired_sightings_total", "Sightings removed because their time was over.")

# Console and supervisor.
WEB_REQUESTS = _counter("vreid_web_requests_total", "Requests of browsers, by kind of page and status.", "page", "code")
WEB_SECONDS = _histogram("vreid_web_request_seconds", "Time until the answer was sent.", _CALL_S, "page")
WEB_VIEWERS = _gauge("vreid_web_viewers", "Browser tabs that are connected.")
WEB_MATCHER_UP = _gauge("vreid_web_matcher_up", "Whether the console reaches the matcher.")
ROLE_UP = _gauge("vreid_supervisor_role_up", "Whether a role's process runs and is ready.", "role")
RESTARTS = _counter("vreid_supervisor_restarts_total", "How often a role was started again.", "role")
ROLE_MEMORY = _gauge("vreid_supervisor_role_memory_bytes", "Proportional memory of a role's processes.", "role")

ALL: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Every role", ("vreid_build_", "vreid_data_", "vreid_certificate_", "vreid_store_")),
    ("Ingest", ("vreid_ingest_",)),
    ("Networks (ingest and matcher)", ("vreid_detector_", "vreid_embedder_")),
    ("Matcher", ("vreid_matcher_", "vreid_gallery_", "vreid_grpc_", "vreid_retention_")),
    ("Console", ("vreid_web_",)),
    ("Supervisor", ("vreid_supervisor_",)),
)


def markdown() -> str:
    """The catalogue as the table of the documentation."""
    lines: list[str] = []
    for title, prefixes in SECTIONS:
        lines += [f"### {title}", "", "| Metric | Kind | Labels | Meaning |", "|---|---|---|---|"]
        for metric in ALL:
            if metric.name.startswith(prefixes):
                labels = ", ".join(f"`{label}`" for label in metric.labels)
                lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |")
        lines.append("")
    return "\n".join(lines)
