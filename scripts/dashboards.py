"""Writes the Grafana dashboards of deploy/observability/grafana from the metric catalogue; ``--check`` only compares.

A panel names metrics by their entries in the catalogue, so one that does not exist cannot be drawn.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from services.observability import catalogue as c  # noqa: E402 - the script runs from a checkout
from services.observability.catalogue import Metric  # noqa: E402

OUT = ROOT / "deploy/observability/grafana"
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH = 24
_HEIGHT = 8
_RATE = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Line:
    """One expression of a panel and how its series are named."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; ``width`` of 24 columns, ``kind`` of Grafana's."""

    title: str
    lines: tuple[Line, ...]
    unit: str = "short"
    width: int = 8
    kind: str = "timeseries"
    note: str = ""


def rate(metric: Metric, by: str = "", where: str = "") -> str:
    """Events a second, by some labels."""
    return f"sum by ({by}) (rate({metric.name}{{{where}}}[{_RATE}]))"


def quantile(q: float, metric: Metric, by: str = "") -> str:
    """A quantile of a histogram, by some labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({q}, sum by ({labels}) (rate({metric.series[0]}[{_RATE}])))"


def mean(metric: Metric, by: str = "") -> str:
    """The mean of a histogram, by some labels."""
    _, total, count = metric.series
    return f"sum by ({by}) (rate({total}[{_RATE}])) / sum by ({by}) (rate({count}[{_RATE}]))"


def now(metric: Metric, how: str = "sum", by: str = "") -> str:
    """A gauge of all processes together."""
    return f"{how} by ({by}) ({metric.name})"


CAMERA = 'camera_id=~"$camera"'

OVERVIEW = (
    Panel("Cameras up", (Line(now(c.CAMERA_UP)),), width=4, kind="stat"),
    Panel("Cameras wanted", (Line(f"max({c.CAMERAS_WANTED.name})"),), width=4, kind="stat"),
    Panel("Matcher serves", (Line(now(c.SERVING, "max")),), width=4, kind="stat"),
    Panel("Redis answers", (Line(now(c.STORE_UP, "min")),), width=4, kind="stat"),
    Panel("Identities", (Line(now(c.IDENTITIES, "max")),), width=4, kind="stat"),
    Panel("Sightings", (Line(now(c.SIGHTINGS, "max")),), width=4, kind="stat"),
    Panel("Inferred frames a second", (Line(rate(c.FRAMES_INFERRED, "camera_id"), "{{camera_id}}"),)),
    Panel(
        "Frame age, p99",
        (Line(quantile(0.99, c.FRAME_AGE, "camera_id"), "{{camera_id}}"),),
        "s",
        note="From capture until the results of a frame were handed on.",
    ),
    Panel("Frames left out, by reason", (Line(rate(c.FRAMES_DROPPED, "reason"), "{{reason}}"),)),
    Panel("Sightings put a second", (Line(rate(c.SIGHTINGS_PUT), "put"), Line(rate(c.SIGHTINGS_REPLAYED), "replayed"))),
    Panel("Decisions a second", (Line(rate(c.DECIDED, "kind"), "{{kind}}"),)),
    Panel(
        "Decision latency",
        (Line(quantile(0.5, c.DECISION_LATENCY), "p50"), Line(quantile(0.99, c.DECISION_LATENCY), "p99")),
        "s",
    ),
    Panel("Searches a second", (Line(rate(c.CALLS, "code", 'method=~".*Search.*"'), "{{code}}"),)),
    Panel(
        "Call time, p99",
        (Line(quantile(0.99, c.CALL_SECONDS, "method"), "{{method}}"),),
        "s",
    ),
    Panel("Restarts in 10 minutes", (Line(f"sum by (role) (increase({c.RESTARTS.name}[10m]))", "{{role}}"),)),
    Panel("Free room on disk", (Line(f"min({c.DISK_FREE.name} / {c.DISK_SIZE.name})"),), "percentunit"),
    Panel("Memory by role", (Line(now(c.ROLE_MEMORY, "sum", "role"), "{{role}}"),), "bytes"),
    Panel("CPU by process", (Line("rate(process_cpu_seconds_total[$__rate_interval])", "{{job}} {{instance}}"),)),
)

CAMERAS = (
    Panel("Up", (Line(f"max by (camera_id) ({c.CAMERA_UP.name}{{{CAMERA}}})", "{{camera_id}}"),), width=12),
    Panel(
        "Vehicles followed", (Line(f"sum by (camera_id) ({c.VEHICLES.name}{{{CAMERA}}})", "{{camera_id}}"),), width=12
    ),
    Panel("Decoded a second", (Line(rate(c.FRAMES_DECODED, "camera_id", CAMERA), "{{camera_id}}"),)),
    Panel("Offered a second", (Line(rate(c.FRAMES_OFFERED, "camera_id", CAMERA), "{{camera_id}}"),)),
    Panel("Inferred a second", (Line(f"sum by (camera_id) ({c.FRAME_RATE.name}{{{CAMERA}}})", "{{camera_id}}"),)),
    Panel(
        "Left out a second",
        (Line(rate(c.FRAMES_DROPPED, "camera_id, reason", CAMERA), "{{camera_id}} {{reason}}"),),
        width=12,
    ),
    Panel("Frame age, p50", (Line(quantile(0.5, c.FRAME_AGE, "camera_id"), "{{camera_id}}"),), "s", 6),
    Panel("Frame age, p99", (Line(quantile(0.99, c.FRAME_AGE, "camera_id"), "{{camera_id}}"),), "s", 6),
    Panel(
        "Reconnects and hung reads in 10 minutes",
        (
            Line(f"sum by (camera_id) (increase({c.RECONNECTS.name}{{{CAMERA}}}[10m]))", "{{camera_id}} reconnects"),
            Line(f"sum by (camera_id) (increase({c.READS_ABANDONED.name}{{{CAMERA}}}[10m]))", "{{camera_id}} hung"),
        ),
    ),
    Panel("Leases held", (Line(f"sum by (instance) ({c.CAMERA_LEASED.name})", "{{instance}}"),)),
    Panel("Tracks a second", (Line(rate(c.TRACKS, "outcome"), "{{outcome}}"),)),
    Panel("Spool", (Line(now(c.SPOOL), "waiting"), Line(now(c.SPOOL_LIMIT), "room"))),
    Panel("Sightings lost a second", (Line(rate(c.SIGHTINGS_DROPPED, "reason"), "{{reason}}"),)),
    Panel("Sightings without pictures a second", (Line(rate(c.CROPS_FAILED)),)),
    Panel(
        "Detector, time of a call",
        (Line(quantile(0.5, c.DETECTOR_SECONDS), "p50"), Line(quantile(0.99, c.DETECTOR_SECONDS), "p99")),
        "s",
        6,
    ),
    Panel("Detector, pictures in a call", (Line(mean(c.DETECTOR_BATCH), "mean"),), width=6),
    Panel(
        "Embedder, time of a call",
        (Line(quantile(0.5, c.EMBEDDER_SECONDS), "p50"), Line(quantile(0.99, c.EMBEDDER_SECONDS), "p99")),
        "s",
        6,
    ),
    Panel("Embedder, crops in a call", (Line(mean(c.EMBEDDER_BATCH), "mean"),), width=6),
)

MATCHER = (
    Panel("Backlog", (Line(now(c.BACKLOG, "max"), "behind the cursor"), Line(now(c.PENDING, "max"), "in buckets"))),
    Panel("Age of the oldest undecided", (Line(now(c.BACKLOG_AGE, "max")),), "s"),
    Panel("Gallery behind the log", (Line(f"{c.LOG_LAG.name}", "{{instance}}"),), "s"),
    Panel("Decisions a second", (Line(rate(c.DECIDED, "kind"), "{{kind}}"),)),
    Panel("Merges and splits a second", (Line(rate(c.CHANGES, "kind"), "{{kind}}"),)),
    Panel("Events applied a second", (Line(rate(c.EVENTS, "kind"), "{{kind}}"),)),
    Panel("Active identities", (Line(now(c.ACTIVE, "max")),)),
    Panel("Vectors", (Line(now(c.VECTORS, "max")),)),
    Panel("Index", (Line(now(c.INDEX_BYTES, "max")),), "bytes"),
    Panel("Segments", (Line(now(c.SEGMENTS, "max")),)),
    Panel("Age of the snapshot", (Line(f"{c.SNAPSHOT_AGE.name}", "{{instance}}"),), "s"),
    Panel("Size of the snapshot", (Line(f"{c.SNAPSHOT_BYTES.name}", "{{instance}}"),), "bytes"),
    Panel("Calls a second", (Line(rate(c.CALLS, "method, code"), "{{method}} {{code}}"),)),
    Panel(
        "Call time, p50 and p99",
        (
            Line(quantile(0.5, c.CALL_SECONDS, "method"), "{{method}} p50"),
            Line(quantile(0.99, c.CALL_SECONDS, "method"), "{{method}} p99"),
        ),
        "s",
    ),
    Panel("Calls being answered", (Line(now(c.CALLS_RUNNING, "sum", "method"), "{{method}}"),)),
    Panel("Requests in a batch, mean", (Line(mean(c.QUEUE_BATCH, "queue"), "{{queue}}"),)),
    Panel("Work on a batch, p99", (Line(quantile(0.99, c.QUEUE_SECONDS, "queue"), "{{queue}}"),), "s"),
    Panel("Who leads", (Line(f"{c.LEASE_HELD.name}", "{{lease}} {{instance}}"),)),
    Panel("Redis, time of a call, p99", (Line(quantile(0.99, c.STORE_SECONDS, "call"), "{{call}}"),), "s"),
    Panel("Redis, failures a second", (Line(rate(c.STORE_ERRORS, "call"), "{{call}}"),)),
    Panel(
        "Past their time", (Line(now(c.OVERDUE, "max"), "overdue"), Line(now(c.UNACKNOWLEDGED, "max"), "still held"))
    ),
    Panel("Overdue by", (Line(now(c.OVERDUE_AGE, "max")),), "s", 6),
    Panel("Sweeps and expiries a second", (Line(rate(c.SWEEPS), "sweeps"), Line(rate(c.EXPIRED), "expired")), width=6),
    Panel(
        "Console, viewers",
        (Line(now(c.WEB_VIEWERS), "tabs"), Line(now(c.WEB_MATCHER_UP), "reaches the matcher")),
        width=6,
    ),
    Panel("Console, requests a second", (Line(rate(c.WEB_REQUESTS, "page, code"), "{{page}} {{code}}"),), width=6),
    Panel("Console, time to answer, p99", (Line(quantile(0.99, c.WEB_SECONDS, "page"), "{{page}}"),), "s", 8),
    Panel("Roles up", (Line(now(c.ROLE_UP, "min", "role"), "{{role}}"),), width=8),
    Panel(
        "Days until a certificate ends",
        (Line(f"({c.CERTIFICATE_ENDS.name} - time()) / 86400", "{{certificate}}"),),
        "d",
        8,
    ),
    Panel("Builds", (Line(f"count by (version, role) ({c.BUILD.name})", "{{role}} {{version}}"),), width=8),
)

DASHBOARDS = {
    "vreid-overview": ("vreid · overview", OVERVIEW, False),
    "vreid-cameras": ("vreid · cameras and ingest", CAMERAS, True),
    "vreid-matcher": ("vreid · matcher, store and console", MATCHER, False),
}


def dashboard(uid: str, title: str, panels: tuple[Panel, ...], *, by_camera: bool) -> dict[str, Any]:
    """One dashboard as Grafana imports it."""
    variables: list[dict[str, Any]] = [
        {"name": "datasource", "label": "Source", "type": "datasource", "query": "prometheus"}
    ]
    if by_camera:
        variables.append(
            {
                "name": "camera",
                "label": "Camera",
                "type": "query",
                "datasource": _SOURCE,
                "query": {"query": f"label_values({c.CAMERA_UP.name}, camera_id)", "refId": "cameras"},
                "refresh": 2,
                "multi": True,
                "includeAll": True,
                "allValue": ".*",
                "current": {"text": "All", "value": "$__all"},
            }
        )
    return {
        "uid": uid,
        "title": title,
        "tags": ["vreid"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": variables},
        "panels": _placed(panels),
    }


def _placed(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    """Panels in rows, left to right."""
    placed, x, y = [], 0, 0
    for number, panel in enumerate(panels, 1):
        height = 4 if panel.kind == "stat" else _HEIGHT
        if x + panel.width > _WIDTH:
            x, y = 0, y + _HEIGHT
        placed.append(
            {
                "id": number,
                "title": panel.title,
                "description": panel.note,
                "type": panel.kind,
                "datasource": _SOURCE,
                "gridPos": {"h": height, "w": panel.width, "x": x, "y": y},
                "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
                "options": {},
                "targets": [
                    {
                        "refId": chr(ord("A") + n),
                        "datasource": _SOURCE,
                        "expr": line.expression,
                        "legendFormat": line.legend,
                    }
                    for n, line in enumerate(panel.lines)
                ],
            }
        )
        x += panel.width
        if x == _WIDTH:
            x, y = 0, y + height
    return placed


def rendered() -> dict[Path, str]:
    """Every file and what stands in it."""
    return {
        OUT / f"{uid}.json": json.dumps(dashboard(uid, title, panels, by_camera=by_camera), indent=2) + "\n"
        for uid, (title, panels, by_camera) in DASHBOARDS.items()
    }


def main() -> int:
    """Writes or compares; 1 where a file is not current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    stale = [path for path, text in rendered().items() if not path.exists() or path.read_text("utf-8") != text]
    if check:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not current: run scripts/dashboards.py")
        return int(bool(stale))
    OUT.mkdir(parents=True, exist_ok=True)
    for path, text in rendered().items():
        path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
