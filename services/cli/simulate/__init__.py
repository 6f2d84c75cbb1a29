"""``vreid simulate``: makes, plays and shows synthetic cities. One command a file; each speaks to the simulator."""

from __future__ import annotations

import typer

from services.cli.simulate.dataset import dataset
from services.cli.simulate.inspect import inspect
from services.cli.simulate.join import join
from services.cli.simulate.render import render
from services.cli.simulate.serve import serve
from services.cli.simulate.traffic import traffic

app = typer.Typer(
    no_args_is_help=True, help="Synthetic cities: clips with exact truth, data sets to train and judge on."
)
app.command()(render)
app.command()(join)
app.command()(dataset)
app.command()(serve)
app.command()(inspect)
app.command()(traffic)
