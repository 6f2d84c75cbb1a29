"""``vreid simulate serve``: a city as live RTSP, with a script of faults and cameras whose clocks are wrong."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.output import JsonFlag, fail, stderr

if TYPE_CHECKING:
    from simulator.rtsp.auth import Credentials
    from simulator.rtsp.faults.driver import FaultEvent


def serve(  # noqa: PLR0913, PLR0917 - one parameter per option
    city: Annotated[str, typer.Option(help="Name of a bundled city, or the folder of a rendered one.")] = "demo",
    faults: Annotated[Path | None, typer.Option(help="Script of faults, YAML.")] = None,
    clock: Annotated[
        list[str] | None,
        typer.Option(help="CAMERA=+5 (s ahead), CAMERA=drift:40 (ppm) or CAMERA=step:5@60 (by 5 s at 60 s)."),
    ] = None,
    only: Annotated[str, typer.Option(help="Cameras to play, separated by commas; all without it.")] = "",
    copies: Annotated[int, typer.Option(help="Play each camera so often: as north, north-2, ...", min=1, max=256)] = 1,
    loop: Annotated[bool, typer.Option("--loop/--once", help="Day after day, or one and then end.")] = True,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port; 0 takes a free one.", min=0, max=65535)] = 0,
    user: Annotated[str, typer.Option(help="Ask clients for this user; needs --password-env.")] = "",
    password_env: Annotated[str, typer.Option(help="Environment variable that holds the password.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Plays a city as live RTSP cameras, faults and wrong clocks included. Ctrl-C ends it."""
    from simulator.clock import parse_clock
    from simulator.errors import CityError
    from simulator.rtsp.clip import ClipError
    from simulator.rtsp.play import PlayRequest, play

    try:
        request = PlayRequest(
            city,
            host=host,
            port=port,
            loop=loop,
            until_end=not loop,
            only=tuple(name.strip() for name in only.split(",") if name.strip()),
            copies=copies,
            faults=faults,
            clocks=tuple(parse_clock(text) for text in clock or []),
            credentials=_credentials(user, password_env),
        )
        play(request, _ready_as_json if as_json else _ready, _event_as_json if as_json else _event)
    except (CityError, ClipError) as exc:
        fail(str(exc))


def _credentials(user: str, password_env: str) -> Credentials | None:
    from simulator.rtsp.auth import Credentials

    if not user and not password_env:
        return None
    if not user or not password_env:
        fail("--user and --password-env belong together")
    password = os.environ.get(password_env)
    if not password:
        fail(f"environment variable {password_env} holds no password")
    return Credentials(user, password)


def _ready_as_json(ready: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _ready(ready: dict[str, Any]) -> None:
    sys.stdout.write("".join(f"{url}\n" for url in ready["urls"].values()))
    sys.stdout.flush()
    stderr.print(f"{len(ready['urls'])} cameras play; Ctrl-C ends", style="dim")


def _event_as_json(event: FaultEvent) -> None:
    sys.stderr.write(json.dumps(event.document()) + "\n")
    sys.stderr.flush()


def _event(event: FaultEvent) -> None:
    sys.stderr.write(f"{event.line()}\n")
    sys.stderr.flush()
