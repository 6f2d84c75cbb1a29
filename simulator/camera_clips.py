"""Renders and writes the clips of a city's cameras, several at once. Decides nothing about what they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulator.frames import CityRenderer
from simulator.place import CameraSpec
from simulator.processes import Tell, run_jobs
from simulator.script import RenderRequest, Script
from simulator.truth import TruthBox
from simulator.video import ClipWriter


@dataclass(frozen=True, slots=True)
class Clip:
    """One camera's clip.

    Attributes:
        number: The camera's number in the truth.
        camera: Where it stands.
        path: MP4 to write.
    """

    number: int
    camera: CameraSpec
    path: Path


def render_clips(
    script: Script,
    request: RenderRequest,
    clips: Sequence[Clip],
    processes: int | None,
    progress: Callable[[int, int], None],
) -> list[TruthBox]:
    """Renders and writes clips.

    Args:
        script: What happens before the cameras.
        request: Size, rate and light.
        clips: Which; their files are overwritten.
        processes: How many at once; one per core by default.
        progress: Called with frames done and in all.

    Returns:
        The truth of all clips, in their order.

    Raises:
        CityError: A process failed or died.
    """
    done, total = 0, len(clips) * len(script.frames)

    def count(frames: int) -> None:
        nonlocal done
        done += frames
        progress(done, total)

    found = run_jobs(partial(_Clips, script, request), clips, processes, count)
    return [box for boxes in found for box in boxes]


class _Clips:
    """Renders one camera after the other in one process."""

    def __init__(self, script: Script, request: RenderRequest) -> None:
        self._renderer = CityRenderer(script, request)
        self._request = request

    def __call__(self, clip: Clip, tell: Tell) -> list[TruthBox]:
        boxes: list[TruthBox] = []
        with ClipWriter(clip.path, self._request.size, self._request.fps) as writer:
            for frame in self._renderer.frames(clip.number, clip.camera):
                writer.write(frame.image)
                boxes += frame.boxes
                tell(1)
        return boxes
