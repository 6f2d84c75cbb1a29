"""The ingest role as a process: opens what the configuration names and runs until told to stop. Never downloads."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.crops import CropStore
from services.errors import ConfigError, VreidError
from services.identity.opening import open_store
from services.ingest.runner import Ingest, IngestParts, build_ingest
from services.live.server import LiveServer
from services.models.networks import open_detector, open_embedder

if TYPE_CHECKING:
    from services.config import VreidConfig

log = logging.getLogger("services.ingest")


def open_parts(config: VreidConfig, *, once: bool) -> IngestParts:
    """Opens the networks, the store and the crop folder that a configuration names.

    Raises:
        VreidError: One of them cannot be used; the message says what to do.
    """
    detector = open_detector(config.detector)
    embedder = open_embedder(config.reid.model, config.reid.threads, config.reid.precision)
    crops = config.ingest.crops_url or str(config.data_dir / "crops")
    try:
        crop_store = CropStore(crops)
    except (OSError, ValueError, ImportError) as exc:
        raise ConfigError(f"ingest.crops_url: {crops} cannot be used: {exc}") from exc
    return IngestParts(
        store=open_store(config.redis, config.data_dir, config.site),
        crop_store=crop_store,
        detector=detector,
        embedder=embedder,
        cameras=config.cameras,
        once=once,
        tracker=config.tracker,
        settings=config.ingest,
        max_batch=config.detector.max_batch,
    )


def _live_server(ingest: Ingest, data_dir: Path) -> LiveServer | None:
    """Lets consoles watch; without it everything else goes on."""
    try:
        return LiveServer(ingest.live, data_dir)
    except OSError as exc:
        log.warning("no live pictures: %s", exc)
        return None


def run_ingest(config: VreidConfig, *, once: bool = False) -> int:
    """Runs the role in this process until SIGTERM or SIGINT, or until every camera ended with ``once``.

    Returns:
        Exit status.

    Raises:
        VreidError: It could not start.
    """
    ingest = build_ingest(open_parts(config, once=once))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ingest.stop())
    live = _live_server(ingest, config.data_dir)
    try:
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
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        return run_ingest(load_config(args.config), once=args.once)
    except VreidError as exc:
        sys.stderr.write(f"vreid: {' '.join(str(exc).split())}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
