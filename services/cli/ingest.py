"""`vreid ingest`: one ingest process by itself, beside others of its group. Starts no store and no matcher."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import fail
from services.errors import VreidError


def ingest(
    config_file: Annotated[Path, typer.Option("--config", help="Configuration file (YAML) that names the store.")],
    once: Annotated[bool, typer.Option("--once", help="Read every camera here, and end when all have ended.")] = False,
) -> None:
    """Reads cameras in this process: its share of them, where other processes of the same configuration run."""
    from services.config import load_config
    from services.ingest.__main__ import run_ingest
    from services.observability.logs import configure_logging

    try:
        config = load_config(config_file)
        configure_logging(config.logging, "ingest")
        status = run_ingest(config, once=once)
    except VreidError as exc:
        fail(str(exc))
    raise typer.Exit(status)
