"""The matcher role as a process: reads the configuration, opens what it names, serves until told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from detector.telemetry import forbid_telemetry
from services.errors import ModelFileError, VreidError
from services.identity.embedded import EmbeddedServer
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.ids import uuid7
from services.models.store import ModelStore

if TYPE_CHECKING:
    from reid.types import Embedder
    from services.config import VreidConfig
    from services.matcher.build import Matcher
    from services.matcher.probes import Detector

log = logging.getLogger("services.matcher")


def open_networks(config: VreidConfig) -> tuple[Detector, Embedder]:
    """The detector and the embedder that a configuration names. Never downloads.

    Raises:
        ModelFileError: One of them is missing or damaged.
    """
    forbid_telemetry()
    from detector.yolo import OpenVinoDetector
    from reid.errors import ReidError
    from reid.runtime import OpenVinoEmbedder

    models = ModelStore(offline=True)
    threads = config.matcher.inference_threads
    try:
        detector_dir = models.prepare(config.detector.model, config.detector.input_hw)
        detector = OpenVinoDetector(detector_dir / "model.xml", config.detector, threads)
        embedder = OpenVinoEmbedder(models.prepare(config.reid.model), threads)
    except (OSError, ReidError, RuntimeError, ValueError) as exc:
        raise ModelFileError(f"a model cannot be loaded: {exc}") from exc
    return detector, embedder


def open_matcher(config: VreidConfig) -> Matcher:
    """Opens what a configuration names and wires it; the port is bound.

    Raises:
        VreidError: Something cannot be used; the message says what to do.
    """
    from services.matcher.associator import AssociatorLoop
    from services.matcher.build import build_matcher

    detector, embedder = open_networks(config)
    url = config.redis.url or EmbeddedServer(config.data_dir, config.redis.binary).url
    store = RedisStore(connect(url, config.redis), config.site)
    associator = AssociatorLoop(
        store,
        config.association,
        embedder.spec.calibration,
        embedder.spec.model_id,
        id_factory=uuid7,
        owner=f"{socket.gethostname()}-{os.getpid()}",
        clock=time.time_ns,
    )
    return build_matcher(store, detector, embedder, config.matcher, associator)


def run_matcher(config: VreidConfig) -> int:
    """Runs the role in this process until SIGTERM or SIGINT, or until one of its threads fails.

    Returns:
        Exit status.

    Raises:
        VreidError: It could not start.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    matcher = open_matcher(config)
    matcher.start()
    well = matcher.wait(stop)
    log.info("matcher is ending")
    matcher.stop()
    return 0 if well else 1


def main(argv: list[str] | None = None) -> int:
    """Runs the matcher role."""
    from services.config import load_config

    parser = argparse.ArgumentParser(prog="python -m services.matcher", description=main.__doc__)
    parser.add_argument("--config", type=Path, required=True, help="configuration file")
    args = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        return run_matcher(load_config(args.config))
    except VreidError as exc:
        sys.stderr.write(f"vreid: {' '.join(str(exc).split())}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
