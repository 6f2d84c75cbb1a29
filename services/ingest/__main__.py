"""The ingest role as a process: opens what the configuration names and runs until told to stop. Never downloads."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from detector.settings import DetectorSettings
from services.crops import open_crops
from services.errors import VreidError
from services.identity.ingest_board import open_board
from services.identity.opening import open_store
from services.ingest.runner import Ingest, IngestParts, build_ingest
from services.ingest.settings import OWNER_VARIABLE
from services.live.server import LiveServer
from services.models.networks import detector_ready, open_detector, open_embedder
from services.observability.endpoint import exposed
from services.observability.logs import configure_logging
from services.observability.networks import MeasuredDetector, MeasuredEmbedder
from services.observability.tracing import traced
from services.privacy.guard import PictureGuard, open_guard
from services.rolling.roster import open_roster
from services.stopping import when_told_to_stop

if TYPE_CHECKING:
    from detector.yolo import OpenVinoDetector
    from services.config import VreidConfig

log = logging.getLogger("services.ingest")


def open_parts(config: VreidConfig, *, once: bool) -> IngestParts:
    """Opens the networks, the store and the crop folder that a configuration names.

    Raises:
        VreidError: One of them cannot be used; the message says what to do.
    """
    detector = MeasuredDetector(open_detector(config.detector))
    store = open_store(config.redis, config.data_dir, config.site)
    reid = config.reid
    roster = open_roster(
        store, reid.model, lambda name: MeasuredEmbedder(open_embedder(name, reid.threads, reid.precision))
    )
    own = {size: open_detector(sized_settings(config.detector, size)) for size in own_sizes(config)}
    sized = {size: MeasuredDetector(each) for size, each in (_open_larger(config.detector) | own).items()}
    return IngestParts(
        store=store,
        crop_store=open_crops(config.ingest.crops_url, config.data_dir),
        detector=detector,
        embedder=roster.now().active,
        roster=roster,
        guard=open_guard(config.privacy),
        cameras=config.cameras,
        once=once,
        tracker=config.tracker,
        settings=config.ingest,
        max_batch=config.detector.max_batch,
        board=open_board(config.redis, config.data_dir, config.site),
        owner=os.environ.get(OWNER_VARIABLE),
        sized=sized,
        usual_size=usual_size(config.detector),
        larger_sizes=config.detector.larger_sizes,
    )


def _open_larger(settings: DetectorSettings) -> dict[tuple[int, int], OpenVinoDetector]:
    """Detectors of the larger sizes that a camera may get; one that is not on this machine is gone without."""
    found = {}
    for size in settings.larger_sizes:
        if size[0] * size[1] <= settings.input_width_px * settings.input_height_px:
            continue
        larger = sized_settings(settings, size)
        if detector_ready(larger):
            found[size] = open_detector(larger)
        else:
            log.warning(
                "no camera gets %dx%d by measurement: make it with vreid models fetch %s --width %d --height %d",
                *size,
                settings.model,
                *size,
            )
    return found


def usual_size(settings: DetectorSettings) -> tuple[int, int]:
    """Input width and height where nothing else is said."""
    return settings.input_width_px, settings.input_height_px


def own_sizes(config: VreidConfig) -> list[tuple[int, int]]:
    """The input widths and heights of cameras that need a detector beside the general one, in order."""
    own = {camera.input_size for camera in config.cameras if camera.input_size is not None}
    return sorted(own - {usual_size(config.detector)})


def sized_settings(settings: DetectorSettings, size: tuple[int, int]) -> DetectorSettings:
    """A detector's settings for another input width and height."""
    return settings.model_copy(update={"input_width_px": size[0], "input_height_px": size[1]})


def _live_server(ingest: Ingest, data_dir: Path, guard: PictureGuard) -> LiveServer | None:
    """Lets consoles watch; without it everything else goes on."""
    try:
        return LiveServer(ingest.live, data_dir, guard)
    except OSError as exc:
        log.warning("no live pictures: %s", exc)
        return None


def run_ingest(config: VreidConfig, *, once: bool = False) -> int:
    """Runs the role in this process until it is told to stop, or until every camera ended with ``once``.

    Returns:
        Exit status.

    Raises:
        VreidError: It could not start.
    """
    told = threading.Event()
    when_told_to_stop(told.set)  # Opening networks takes seconds, and the first process of a container is deaf without.
    parts = open_parts(config, once=once)
    ingest = build_ingest(parts)
    when_told_to_stop(ingest.stop)
    if told.is_set():
        return 0
    live = _live_server(ingest, config.data_dir, parts.guard)
    try:
        with (
            exposed(config, "ingest", ingest.exposition.families, ping=parts.store.ping, well=lambda: ingest.well),
            traced(config.tracing, "ingest", config.site),
        ):
            status = ingest.run()
    finally:
        if live is not None:
            live.close()
    log.info("ingest ended: %s", ingest.report())
    return status


def main(argv: list[str] | None = None) -> int:
    """Runs the ingest role."""
    from services.config import load_config

    parser = argparse.ArgumentParser(prog="python -m services.ingest", description=main.__doc__)
    parser.add_argument("--config", type=Path, required=True, help="configuration file")
    parser.add_argument("--once", action="store_true", help="end when every camera has ended")
    args = parser.parse_args(argv)
    try:
        config = load_config(args.config)
        configure_logging(config.logging, "ingest")
        return run_ingest(config, once=args.once)
    except VreidError as exc:
        sys.stderr.write(f"vreid: {' '.join(str(exc).split())}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
