"""Entry point of `vreid`: puts the commands together and turns every failure of ours into one line."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from services.cli import (
    audit,
    bench,
    camera,
    config,
    demo,
    doctor,
    evaluate,
    gallery,
    identity,
    ingest,
    models,
    query,
    simulate,
    standing,
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
RUN, ASK, JUDGE = "Run a site", "Ask and correct", "Train and judge"
app.command("demo", rich_help_panel=RUN)(demo.demo)
app.command("up", rich_help_panel=RUN)(up.up)
app.command("ingest", rich_help_panel=RUN)(ingest.ingest)
app.command("web", rich_help_panel=RUN)(web.web)
app.command("doctor", rich_help_panel=RUN)(doctor.doctor)
app.command("query", rich_help_panel=ASK)(query.query)
app.command("verify", rich_help_panel=ASK)(query.verify)
app.command("watch", rich_help_panel=ASK)(standing.watch)
app.command("train", rich_help_panel=JUDGE)(training.train)
app.command("calibrate", rich_help_panel=JUDGE)(training.calibrate)
app.command("export", rich_help_panel=JUDGE)(training.export)
app.add_typer(camera.app, name="camera", rich_help_panel=RUN)
app.add_typer(config.app, name="config", rich_help_panel=RUN)
app.add_typer(models.app, name="models", rich_help_panel=RUN)
app.add_typer(gallery.app, name="gallery", rich_help_panel=ASK)
app.add_typer(identity.app, name="identity", rich_help_panel=ASK)
app.add_typer(audit.app, name="audit", rich_help_panel=ASK)
app.add_typer(evaluate.app, name="evaluate", rich_help_panel=JUDGE)
app.add_typer(simulate.app, name="simulate", rich_help_panel=JUDGE)
app.add_typer(bench.app, name="bench", rich_help_panel=JUDGE)


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
    try:
        app()
    except VreidError as exc:
        sys.stderr.write(f"vreid: {' '.join(str(exc).split())}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
