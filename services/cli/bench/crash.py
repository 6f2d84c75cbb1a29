"""`vreid bench crash`: kills matcher and server in the middle of merges, looks what is left. `benchmarks` does it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress
from services.errors import VreidError


def crash(
    times: Annotated[int, typer.Option(min=1, max=10_000, help="Kills of each kind.")] = 50,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="matcher, server or power; may be repeated; all by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of vectors, choices and moments.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Kills matcher and server in the middle of merges, cuts their power, and looks what is left.

    "power" throws away what the server had written and not fsynced. Ends with status 1 where something acknowledged
    was lost or an identity is half merged.
    """
    from benchmarks.crash.faults import FAULTS, CrashBench
    from benchmarks.crash.run import run_crashes

    faults = tuple(fault or FAULTS)
    if unknown := set(faults) - set(FAULTS):
        raise typer.BadParameter(f"fault is one of {', '.join(FAULTS)}, not {min(unknown)!r}")
    try:
        with progress("kills") as report:
            document = run_crashes(CrashBench(times, faults, seed), report)
    except VreidError as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show)
    if not document["ok"]:
        raise typer.Exit(1)


def _show(document: dict[str, Any]) -> None:
    shown = table("fault", "kills", "puts", "corrections", "in doubt", "lost", "disagreements")
    for name, row in document["faults"].items():
        if "unsupported" in row:
            shown.add_row(name, f"not here: {row['unsupported']}", "", "", "", "", "")
            continue
        shown.add_row(
            name,
            str(row["kills"]),
            str(row["puts_acknowledged"]),
            str(row["corrections_acknowledged"]),
            str(row["in_doubt"]),
            str(len(row["lost"])),
            str(len(row["disagreements"])),
        )
    stdout.print(shown)
    for row in document["faults"].values():
        for line in row.get("disagreements", ()):
            stdout.print(line, soft_wrap=True)
