"""Entry point of `vreid`: puts the commands together and turns every failure of ours into one line."""

from __future__ import annotations

import io
import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from services.cli import (
    audit,
    backup,
    bench,
    camera,
    config,
    demo,
    doctor,
    evaluate,
    gallery,
    identity,
    ingest,
    matcher,
    models,
    query,
    simulate,
    standing,
    token,
    training,
    up,
    web,
)
from services.errors import VreidError

app = typer.Typer(
    name="vreid",
    help="Follow every vehicle across your cameras.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("ingest")(ingest.ingest)
app.command("matcher")(matcher.matcher)
app.command("web")(web.web)
app.command("query")(query.query)
app.command("verify")(query.verify)
app.command("watch")(standing.watch)
app.command("train")(training.train)
app.command("calibrate")(training.calibrate)
app.command("export")(training.export)
app.command("doctor")(doctor.doctor)
app.add_typer(camera.app, name="camera")
app.add_typer(gallery.app, name="gallery")
app.add_typer(identity.app, name="identity")
app.add_typer(audit.app, name="audit")
app.add_typer(token.app, name="token")
app.add_typer(backup.app, name="backup")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(simulate.app, name="simulate")
app.add_typer(bench.app, name="bench")
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")

#: Headings of the help, and what stands under each.
_PANELS = {
    "Run a site": "demo up ingest matcher web doctor camera config models backup token",
    "Ask and correct": "query verify watch gallery identity audit",
    "Train and judge": "train calibrate export evaluate simulate bench",
}


def _put_under_headings() -> None:
    panels = {name: panel for panel, names in _PANELS.items() for name in names.split()}
    for entry in app.registered_commands:
        entry.rich_help_panel = panels.get(entry.name or "", entry.rich_help_panel)
    for group in app.registered_groups:
        group.rich_help_panel = panels.get(group.name or "", group.rich_help_panel)


_put_under_headings()


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"vreid {version('vreid')}\n")
        raise typer.Exit


@app.callback()
def _root(
    version_flag: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more, to stderr.")] = False,
) -> None:
    """Follow every vehicle across your cameras."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def main() -> None:
    """Runs the command line; exit code 1 with one line for a failure of ours, 130 when interrupted."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # Names of files need not be text; stderr shows such letters anyway.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except VreidError as exc:
        sys.stderr.write(f"vreid: {' '.join(str(exc).split())}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
