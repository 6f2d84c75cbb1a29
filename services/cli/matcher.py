"""`vreid matcher`: one matcher by itself, for a store that runs elsewhere. Starts no store and no ingest."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import fail
from services.errors import VreidError


def matcher(
    config_file: Annotated[Path, typer.Option("--config", help="Configuration file (YAML) that names the store.")],
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Answer reads only: decide nothing, remove nothing, refuse changes."),
    ] = False,
) -> None:
    """Decide which vehicle each sighting shows, and answer queries, in this process."""
    from services.config import load_config
    from services.matcher.__main__ import run_matcher

    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("faiss").setLevel(logging.WARNING)
    try:
        status = run_matcher(load_config(config_file), read_only=read_only)
    except VreidError as exc:
        fail(str(exc))
    raise typer.Exit(status)
