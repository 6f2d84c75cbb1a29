"""Has cities rendered that are not there yet, each in a process of its own. Judges nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from simulator.city import City, load_city
from simulator.errors import CityError
from simulator.script import RenderRequest

_RENDER_TIMEOUT_S = 3600.0


def city_name(request: RenderRequest) -> str:
    """What a city is called that is kept, by all that settles it."""
    light = request.light or "own"
    return f"{Path(request.place).stem}-{light}-{request.seed}-{request.seconds:g}s-{request.fps}fps"


def rendered_city(request: RenderRequest, keep: Path) -> City:
    """The city, rendered by the product's own command where it is not there yet.

    Args:
        request: Which; its own name is not used.
        keep: Folder of cities.

    Raises:
        CityError: It cannot be rendered or is damaged.
    """
    folder = keep / city_name(request)
    if not (folder / "city.json").is_file():
        arguments = ["--seed", request.seed, "--place", request.place, "--fps", request.fps]
        arguments += ["--seconds", request.seconds, "--vehicles-per-minute", request.vehicles_per_minute]
        arguments += ["--out", folder, *(["--light", request.light] if request.light else [])]
        command = [sys.executable, "-m", "services.cli.main", "simulate", "render", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=_RENDER_TIMEOUT_S, check=False)
        if done.returncode != 0:
            last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
            raise CityError(f"{city_name(request)}: {last[0].removeprefix('vreid: ')}")
    return load_city(folder)
