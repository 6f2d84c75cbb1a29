"""One playing of the city: where it began, on which ports, and whether an interrupted one can be taken up again."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.errors import ConfigError
from services.supervisor import Role

if TYPE_CHECKING:
    from simulator.city import City

STATE_FILE = "demo.json"
#: What a demo writes into its folder, and so what a fresh one may remove.
_OWN = ("redis", "crops", "logs", "queries", "config.yaml", STATE_FILE)
_HARMLESS = {"lock", "run.json"}


@dataclass(frozen=True, slots=True)
class Playing:
    """A city that plays or played.

    Attributes:
        city: Its name.
        seed: Of the city, so that another city of the same name is not taken for it.
        t0_ns: Capture time of frame 0, UTC nanoseconds.
        rtsp_port: Of the city's server.
        loop: A new day begins after the last frame.
    """

    city: str
    seed: int
    t0_ns: int
    rtsp_port: int
    loop: bool

    def over(self, duration_s: float, now_ns: int) -> bool:
        """Whether its last frame has been shown."""
        return not self.loop and now_ns > self.t0_ns + duration_s * 1e9


def load(data_dir: Path) -> Playing | None:
    """The playing that a folder remembers; None when there is none that can be read."""
    try:
        return Playing(**json.loads((data_dir / STATE_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def save(playing: Playing, data_dir: Path) -> None:
    """Remembers a playing, in one step."""
    temporary = data_dir / f"{STATE_FILE}.tmp"
    temporary.write_text(json.dumps(asdict(playing)), encoding="utf-8")
    temporary.replace(data_dir / STATE_FILE)


def resumable(data_dir: Path, city: City, *, loop: bool) -> Playing | None:
    """The playing of this city that was interrupted and still goes on, if there is one."""
    playing = load(data_dir)
    if playing is None or (playing.city, playing.seed, playing.loop) != (city.name, city.seed, loop):
        return None
    return None if playing.over(city.duration_s, time.time_ns()) else playing


def clear(data_dir: Path) -> None:
    """Removes what an earlier demo left.

    Raises:
        ConfigError: The folder holds something that no demo wrote.
    """
    present = {path.name for path in data_dir.iterdir()} - _HARMLESS
    if present and not (data_dir / STATE_FILE).exists():
        raise ConfigError(f"{data_dir} is not empty and holds no demo: give --data-dir a folder of its own")
    for name in _OWN:
        path = data_dir / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def city_role(city: City, playing: Playing, faults: Path | None = None) -> Role:
    """The RTSP server that plays the city, with a script of faults where one is given."""
    argv = [sys.executable, "-m", "simulator.rtsp", "--city", str(city.folder), "--port", str(playing.rtsp_port)]
    argv += ["--t0-ns", str(playing.t0_ns), *(["--loop"] if playing.loop else [])]
    argv += ["--faults", str(faults.resolve())] if faults else []
    return Role("city", tuple(argv), env={"PYTHONUNBUFFERED": "1"}, ready=lambda: _listens(playing.rtsp_port))


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.5):
        return True
    return False
