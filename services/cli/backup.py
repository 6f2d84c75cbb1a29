"""`vreid backup create | check | restore`: a site in one file. Needs no running process, and stops none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout
from services.errors import VreidError

if TYPE_CHECKING:
    from services.backup.archive import Contents

app = typer.Typer(no_args_is_help=True, help="Back up and restore a site: store, pictures, tokens, configuration.")

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML) of the site.")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="Data folder, where no file names it.")]
StoreOption = Annotated[
    Path | None, typer.Option("--store-folder", help="Folder of an external store's server, as its `dir` says.")
]


def _config(config_file: Path | None, data_dir: Path | None) -> Any:
    from services.config import load_config

    config = load_config(config_file)
    return config if data_dir is None else config.model_copy(update={"data_dir": data_dir})


def _document(path: Path, contents: Contents) -> dict[str, Any]:
    return {"file": str(path), "bytes": contents.bytes, "members": len(contents.members), **contents.about}


def _show(document: dict[str, Any]) -> None:
    stdout.print(
        f"{document['file']}: site {document['site']} as of {document['created_at']}, "
        f"{document['bytes'] / 1e6:.1f} MB, {document['pictures']} pictures",
        soft_wrap=True,
        highlight=False,
    )
    if document["pictures_elsewhere"]:
        stdout.print(f"pictures lie in {document['pictures_elsewhere']} and are not in it", soft_wrap=True)
    for place in document.get("left_out", ()):  # a backup of an older release does not say
        stdout.print(f"not in it: {place}", soft_wrap=True, highlight=False, markup=False)


@app.command("create")
def create(
    out: Annotated[Path, typer.Option("--out", help="Of the backup; a folder gets a name with the time.")],
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    store_folder: StoreOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a backup; the site goes on meanwhile."""
    from services.backup import site

    try:
        config = _config(config_file, data_dir)
        path = out
        if out.is_dir():
            path = out / f"vreid-{config.site}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar"
        contents = site.create(config, config_file, path, store_folder)
    except VreidError as exc:
        fail(str(exc))
    emit(_document(path, contents), as_json=as_json, render=_show)


@app.command("check")
def check(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Of the backup.")], as_json: JsonFlag = False
) -> None:
    """Read a backup to its end and compare everything in it with what was written."""
    from services.backup.archive import read_backup

    try:
        contents = read_backup(path)
    except VreidError as exc:
        fail(str(exc))
    emit(_document(path, contents), as_json=as_json, render=_show)


@app.command("restore")
def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Of the backup.")],
    config_file: ConfigOption = None,
    data_dir: DataDirOption = None,
    store_folder: StoreOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Put a backup into an empty place; stop the site's processes before. Overwrites nothing."""
    from services.backup import site

    try:
        contents = site.restore(_config(config_file, data_dir), path, store_folder)
    except VreidError as exc:
        fail(str(exc))
    emit(_document(path, contents), as_json=as_json, render=_show)
