"""Owns ``vreid evaluate``: files in, one score document out; one command per file. Never computes a measure itself."""

import typer

from services.cli.evaluate.association import association
from services.cli.evaluate.components import components
from services.cli.evaluate.mtmc import mtmc
from services.cli.evaluate.reid import reid
from services.cli.evaluate.tracking import tracking

app = typer.Typer(help="Scores of identities, networks and trackers against truth.", no_args_is_help=True)
app.command()(association)
app.command()(components)
app.command()(mtmc)
app.command()(reid)
app.command()(tracking)


@app.callback()
def _evaluate() -> None:
    """Scores of identities, networks and trackers against truth."""
