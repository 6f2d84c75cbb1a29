"""The web role as a process: reads the configuration and serves the console until told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.errors import ConfigError, VreidError

if TYPE_CHECKING:
    from services.config import VreidConfig

log = logging.getLogger("services.web")


def run_web(config: VreidConfig, config_file: Path | None = None) -> int:
    """Runs the role in this process until SIGTERM or SIGINT.

    Args:
        config: Of the site.
        config_file: Where it was read, for the doctor.

    Raises:
        VreidError: It could not start; the message says what to do.
    """
    from services.client.beside import client_beside
    from services.live.watcher import LiveWatcher
    from services.observability.endpoint import exposed
    from services.observability.tracing import traced
    from services.web.settings import console_access
    from services.web.site import Site

    book = console_access(config.web, config.access, config.data_dir)
    folder = config.data_dir / "web"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(f"data_dir {config.data_dir}: {exc.strerror or exc}") from exc
    os.environ["NICEGUI_STORAGE_PATH"] = str(folder)  # Read at its import; else it writes where it was started.
    from services.web.app import serve
    from services.web.figures import web_families
    from services.web.machine import Machine
    from services.web.visitor import asking

    log.info("the console listens on %s", config.web.listen)
    with client_beside(config, 10.0) as client:
        site = Site(client, LiveWatcher(config.data_dir), asking)
        with exposed(config, "web", lambda: web_families(site)), traced(config.tracing, "web", config.site):
            serve(config.web, book, site, Machine(config.data_dir, config_file))
    return 0


def main(argv: list[str] | None = None) -> int:
    """Runs the web role."""
    from services.config import load_config
    from services.observability.logs import configure_logging

    parser = argparse.ArgumentParser(prog="python -m services.web", description=main.__doc__)
    parser.add_argument("--config", type=Path, required=True, help="configuration file")
    args = parser.parse_args(argv)
    try:
        config = load_config(args.config)
        configure_logging(config.logging, "web")
        return run_web(config, args.config)
    except VreidError as exc:
        sys.stderr.write(f"vreid: {' '.join(str(exc).split())}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
