"""`vreid config`: the configuration file before anything is started with it. Starts and changes nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, stdout
from services.config import config_schema, load_config
from services.ingest.cameras import redact

app = typer.Typer(no_args_is_help=True, help="The configuration file: checked before a start, and its JSON Schema.")


@app.callback()
def _group() -> None:
    """The configuration file: checked before a start, and its JSON Schema."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The YAML file.")],
    *,
    as_json: JsonFlag = False,
) -> None:
    """Reads a configuration file as `vreid up` would, environment included, and says what is wrong with it."""
    config = load_config(file)
    document = {
        "file": str(file),
        "site": config.site,
        "data_dir": str(config.data_dir),
        "cameras": [{"id": each.id, "url": redact(each.url)} for each in config.cameras],
    }
    emit(document, as_json=as_json, render=_show)


@app.command()
def schema() -> None:
    """Prints the JSON Schema of the configuration file, for editors and validators."""
    sys.stdout.write(json.dumps(config_schema(), indent=2) + "\n")


def _show(document: dict[str, Any]) -> None:
    cameras = ", ".join(camera["id"] for camera in document["cameras"]) or "none"
    stdout.print(
        f"{document['file']}: fine; site {document['site']}, data in {document['data_dir']}, cameras: {cameras}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
