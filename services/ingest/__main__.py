"""The ingest role as a process: opens what the configuration names and runs until told to stop. Never downloads."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from detector.telemetry import forbid_telemetry
from detector.yolo import OpenVinoDetector
from services.crops import CropStore
from services.errors import ConfigError, ModelFileError, VreidError
from services.identity.embedded import EmbeddedServer
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.ingest.runner import IngestParts, build_ingest
from services.models.store import ModelStore

if TYPE_CHECKING:
    from services.config import VreidConfig

log = logging.getLogger("services.ingest")


def open_parts(config: VreidConfig, *, once: bool) -> IngestParts:
    """Opens the networks, the store and the crop folder that a configuration names.

    Raises:
        VreidError: One of them cannot be used; the message says what to do.
    """
    models = ModelStore(offline=True)
    forbid_telemetry()
    from reid.errors import ReidError
    from reid.runtime import OpenVinoEmbedder

    try:
        detector_dir = models.prepare(config.detector.model, config.detector.input_hw)
        detector = OpenVinoDetector(detector_dir / "model.xml", config.detector)
        embedder = OpenVinoEmbedder(models.prepare(config.reid.model), config.reid.threads)
    except (OSError, ReidError, RuntimeError) as exc:
        raise ModelFileError(f"a model cannot be loaded: {exc}") from exc
    crops = config.ingest.crops_url or str(config.data_dir / "crops")
    try:
        crop_store = CropStore(crops)
    except (OSError, ValueError, ImportError) as exc:
        raise ConfigError(f"ingest.crops_url: {crops} cannot be used: {exc}") from exc
    url = config.redis.url or EmbeddedServer(config.data_dir, config.redis.binary).url
    return IngestParts(
        store=RedisStore(connect(url, config.redis), config.site),
        crop_store=crop_store,
        detector=detector,
        embedder=embedder,
        cameras=config.cameras,
        once=once,
        tracker=config.tracker,
        settings=config.ingest,
        max_batch=config.detector.max_batch,
    )


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
    status = ingest.run()
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
