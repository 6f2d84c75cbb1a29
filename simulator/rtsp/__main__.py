"""The city's RTSP server as a process: ``python -m simulator.rtsp --city DIR``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from simulator.clock import parse_clock
from simulator.errors import CityError
from simulator.rtsp.clip import ClipError
from simulator.rtsp.faults.driver import FaultEvent
from simulator.rtsp.play import PlayRequest, play


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and plays; prints the addresses as one JSON line once it listens.

    Returns:
        The exit code: 0 after a signal, 1 when the city cannot be served.
    """
    parser = argparse.ArgumentParser(prog="simulator.rtsp", description="Play a city's cameras over RTSP.")
    parser.add_argument("--city", type=Path, required=True, help="folder with city.json and its clips")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="TCP port, 0 for any")
    parser.add_argument("--t0-ns", type=int, default=None, help="capture time of frame 0, UTC ns; default: now")
    parser.add_argument("--loop", action="store_true", help="begin a new day after the last frame")
    parser.add_argument("--faults", type=Path, default=None, help="fault script, YAML")
    parser.add_argument("--clock", action="append", default=[], help="CAMERA=+5, =drift:40 or =step:5@60")
    options = parser.parse_args(arguments)
    try:
        request = PlayRequest(
            options.city,
            host=options.host,
            port=options.port,
            t0_ns=options.t0_ns,
            loop=options.loop,
            faults=options.faults,
            clocks=tuple(parse_clock(text) for text in options.clock),
        )
        play(request, _say_ready, _say_event)
    except (CityError, ClipError) as exc:
        sys.stderr.write(f"simulator.rtsp: {' '.join(str(exc).split())}\n")
        return 1
    return 0


def _say_ready(ready: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


def _say_event(event: FaultEvent) -> None:
    sys.stderr.write(f"{event.line()}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
