"""The matcher role as a process: reads the configuration, opens what it names, serves until told to stop."""

from __future__ import annotations

import argparse
import logging
import socket
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from services.crops import open_crops
from services.errors import VreidError
from services.garbage import Collector
from services.identity.opening import open_store
from services.identity.retention.sweep import RetentionLoop
from services.ids import uuid7
from services.models.networks import open_detector, open_embedder
from services.observability.endpoint import exposed
from services.observability.logs import configure_logging
from services.observability.networks import MeasuredDetector, MeasuredEmbedder
from services.observability.tracing import traced
from services.privacy.guard import open_guard
from services.rolling.reembed import Reembedder
from services.rolling.roster import ModelKeeper, open_roster
from services.stopping import when_told_to_stop

if TYPE_CHECKING:
    from services.config import VreidConfig
    from services.matcher.build import Matcher

log = logging.getLogger("services.matcher")


def open_matcher(config: VreidConfig, *, read_only: bool = False) -> Matcher:
    """Opens what a configuration names and wires it; the port is bound.

    Args:
        config: What to open.
        read_only: Follow the site and answer reads, beside a matcher that decides. Such a replica decides nothing,
            removes nothing and refuses changes.

    Raises:
        VreidError: Something cannot be used; the message says what to do.
    """
    from services.access.book import TokenBook
    from services.access.local import local_socket
    from services.matcher.associator import AssociatorLoop
    from services.matcher.build import Loop, Places, Rolling, build_matcher, current_spec
    from services.matcher.door.admission import Door

    threads = config.matcher.inference_threads
    detector = MeasuredDetector(open_detector(config.detector, threads))
    store = open_store(config.redis, config.data_dir, config.site)
    reid = config.reid
    roster = open_roster(store, reid.model, lambda name: MeasuredEmbedder(open_embedder(name, threads, reid.precision)))
    embedder = roster.now().active
    # No two can listen there, and the next to listen there takes over at once.
    owner = f"{socket.gethostname()}/{config.matcher.listen}"
    crops = open_crops(config.ingest.crops_url, config.data_dir)
    associator = AssociatorLoop(
        store,
        config.association,
        embedder.spec.calibration,
        embedder.spec.model_id,
        id_factory=uuid7,
        owner=owner,
        active_window_s=max(config.retention.active_window_s, config.association.max_trip_s),
        model=partial(current_spec, store, roster),
        collector=Collector(),
    )
    guard = open_guard(config.privacy)
    places = Places(crops, config.data_dir / "gallery", config.tracker.crops.padding, guard)
    retention = RetentionLoop(store, crops, config.retention, owner)
    loops: dict[str, Loop] = {"models": ModelKeeper(store, roster, f"matcher:{owner}")}
    if not read_only:
        loops["reembed"] = Reembedder(store, crops, roster, reid.reembed_per_s, owner)
    return build_matcher(
        store,
        detector,
        embedder,
        config.matcher,
        None if read_only else associator,
        places,
        retention=retention,
        association=config.association,
        door=Door(
            TokenBook.open(config.access, config.data_dir), config.access.calls_per_s, local_socket(config.data_dir)
        ),
        read_only=read_only,
        rolling=Rolling(roster, loops),
    )


def run_matcher(config: VreidConfig, *, read_only: bool = False) -> int:
    """Runs the role in this process until it is told to stop, or until one of its threads fails.

    Args:
        config: What to run.
        read_only: See ``open_matcher``.

    Returns:
        Exit status.

    Raises:
        VreidError: It could not start.
    """
    stop = threading.Event()
    when_told_to_stop(stop.set)
    matcher = open_matcher(config, read_only=read_only)
    with (
        exposed(
            config,
            "matcher",
            matcher.exposition.families,
            ping=matcher.parts.store.ping,
            well=lambda: matcher.well,
        ),
        traced(config.tracing, "matcher", config.site),
    ):
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
    parser.add_argument("--read-only", action="store_true", help="answer reads only, beside a matcher that decides")
    args = parser.parse_args(argv)
    try:
        config = load_config(args.config)
        configure_logging(config.logging, "matcher")
        return run_matcher(config, read_only=args.read_only)
    except VreidError as exc:
        sys.stderr.write(f"vreid: {' '.join(str(exc).split())}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
