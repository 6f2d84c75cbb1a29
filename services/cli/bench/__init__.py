"""``vreid bench``: what is measured, against peers where there are some, one command each and one file each."""

from __future__ import annotations

import typer

from services.cli.bench import association, city, console, crash, embed, gpu, identities, matcher, model, pipeline

app = typer.Typer(help="Speed and quality, measured beside peers.", no_args_is_help=True)
app.command("city")(city.city)
app.command("model")(model.model)
app.command("embed")(embed.embed)
app.command("association")(association.association)
app.command("identities")(identities.identities)
app.command("matcher")(matcher.matcher)
app.command("console")(console.console)
app.command("gpu")(gpu.gpu)
app.command("crash")(crash.crash)
app.command("detector")(pipeline.detector)
app.command("pipeline")(pipeline.pipeline)
app.command("faults")(pipeline.faults)
app.command("cameras")(pipeline.cameras)
app.command("outage")(pipeline.outage)
app.command("soak")(pipeline.soak)


@app.callback()
def _bench() -> None:
    """Speed and quality, measured beside peers."""
