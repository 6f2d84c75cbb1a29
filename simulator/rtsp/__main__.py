"""The city's RTSP server as a process: ``python -m simulator.rtsp --city DIR``."""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import signal
import sys
from pathlib import Path

from simulator.city import load_city
from simulator.errors import CityError
from simulator.rtsp.clip import ClipError
from simulator.rtsp.server import CityServer


async def serve(server: CityServer) -> None:
    """Runs until SIGTERM or SIGINT; prints the addresses as one JSON line once it listens."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    port = await server.start()
    ready = {"port": port, "t0_ns": server.t0_ns, "ends_ns": server.ends_ns(), "urls": server.urls()}
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()
    await stopped.wait()
    await server.stop()


def main(arguments: list[str] | None = None) -> int:
    """Parses the command line and serves.

    Returns:
        The exit code: 0 after a signal, 1 when the city cannot be served.
    """
    parser = argparse.ArgumentParser(prog="simulator.rtsp", description="Play a city's cameras over RTSP.")
    parser.add_argument("--city", type=Path, required=True, help="folder with city.json and its clips")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="TCP port, 0 for any")
    parser.add_argument("--t0-ns", type=int, default=None, help="capture time of frame 0, UTC ns; default: now")
    parser.add_argument("--loop", action="store_true", help="begin a new day after the last frame")
    options = parser.parse_args(arguments)
    try:
        clips = {camera.id: camera.path for camera in load_city(options.city).cameras}
        server = CityServer(clips, host=options.host, port=options.port, t0_ns=options.t0_ns, loop=options.loop)
        asyncio.run(serve(server))
    except (CityError, ClipError) as exc:
        sys.stderr.write(f"simulator.rtsp: {exc}\n")
        return 1
    except OSError as exc:
        taken = exc.errno == errno.EADDRINUSE
        reason = f"port {options.port} is in use" if taken else exc.strerror or str(exc)
        sys.stderr.write(f"simulator.rtsp: {reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
