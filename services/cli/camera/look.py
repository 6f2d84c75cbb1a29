"""`vreid camera test` and `snapshot`: open one camera from here, say what it gives, keep a picture. Changes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.camera.change import DEFAULT_DATA_DIR, ConfigOption, DataDirOption, site_config
from services.cli.output import JsonFlag, emit, fail, stdout
from services.errors import ConfigError, SourceUnavailable, StoreUnavailable, VreidError

if TYPE_CHECKING:
    from detector.types import Frame
    from services.ingest.cameras import CameraSettings
    from services.privacy.guard import PictureGuard

CameraArgument = Annotated[str, typer.Argument(help="Name of a camera of the system, or an address.", metavar="CAMERA")]


def try_out(
    camera: CameraArgument,
    seconds: Annotated[float, typer.Option(help="How long frames are counted.", min=0.5, max=60)] = 3.0,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Opens a camera and says what comes: size, rate, time to the first frame, clock. Fails where nothing comes."""
    try:
        settings = find_camera(camera, config_file, data_dir)
        document = probe(settings, seconds)
    except VreidError as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show)


def snapshot(
    camera: CameraArgument,
    out: Annotated[Path, typer.Option("--out", help="JPEG file to write.")],
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Writes one picture of a camera as it is now, masks painted over, plates blurred where that is configured."""
    from services.crops import encode_jpeg

    try:
        settings = find_camera(camera, config_file, data_dir)
        image = _guard(config_file, data_dir).shown(_first(settings).image)
        out.write_bytes(encode_jpeg(image))
    except (VreidError, OSError) as exc:
        fail(str(exc))
    height, width = image.shape[:2]
    document = {"camera": settings.id, "file": str(out), "width": width, "height": height}
    emit(document, as_json=as_json, render=lambda shown: stdout.print(f"{shown['file']}: {width}x{height}"))


def _guard(config_file: Path | None, data_dir: Path) -> PictureGuard:
    """What pictures of the system must look like; of a camera that belongs to none, as they are.

    Raises:
        VreidError: The configuration, or the detector of plates that it names, cannot be used.
    """
    from services.privacy.guard import PictureGuard, open_guard

    if config_file is None and not (data_dir / "config.yaml").is_file():
        return PictureGuard()
    return open_guard(site_config(config_file, data_dir).privacy)


def find_camera(name: str, config_file: Path | None, data_dir: Path) -> CameraSettings:
    """A camera by name, as the system reads it now, or one by its address or file.

    Raises:
        ConfigError: There is no such camera, or the address cannot be used.
    """
    from pydantic import ValidationError

    from services.identity.ingest_board import open_board
    from services.ingest.cameras import CameraSettings

    if "/" in name or "." in name:
        try:
            return CameraSettings(id="camera", url=name)
        except ValidationError as exc:
            raise ConfigError(exc.errors()[0]["msg"].removeprefix("Value error, ")) from exc
    config = site_config(config_file, data_dir)
    known = {camera.id: camera for camera in config.cameras}
    try:
        with closing(open_board(config.redis, config.data_dir, config.site)) as board:
            text = board.cameras().get(name)
    except StoreUnavailable:  # what the configuration names can be looked at without a running system
        text = None
    if text:
        return CameraSettings.model_validate_json(text)
    if name not in known or text == "":
        raise ConfigError(f"no camera {name} is read here; known are {', '.join(sorted(known)) or 'none'}")
    return known[name]


def probe(settings: CameraSettings, seconds: float) -> dict[str, Any]:
    """What a camera gives within a while.

    Raises:
        SourceUnavailable: Nothing.
    """
    frames: list[tuple[float, tuple[int, ...], str]] = []
    began_s = time.monotonic()

    def note(frame: Frame) -> bool:
        frames.append((time.monotonic(), frame.image.shape, frame.clock))
        return frames[-1][0] - frames[0][0] < seconds

    _read(settings, note)
    first_s, shape, clock = frames[0]
    last_s = frames[-1][0]
    return {
        "camera": settings.id,
        "url": settings.shown_url,
        "width": shape[1],
        "height": shape[0],
        "frames_per_s": round((len(frames) - 1) / (last_s - first_s), 2) if len(frames) > 1 else 0.0,
        "first_frame_s": round(first_s - began_s, 2),
        "clock": clock,
    }


def _first(settings: CameraSettings) -> Frame:
    """The first frame of a camera.

    Raises:
        SourceUnavailable: None came.
    """
    frames: list[Frame] = []

    def keep(frame: Frame) -> bool:
        frames.append(frame)
        return False

    _read(settings, keep)
    return frames[0]


def _read(settings: CameraSettings, wants_more: Callable[[Frame], bool]) -> None:
    """Hands frames over until no more are wanted.

    Raises:
        SourceUnavailable: Not a single one came.
    """
    from services.ids import uuid7
    from services.ingest.source import open_source
    from services.ingest.sources.files import paced

    source = open_source(settings, uuid7)
    came = False
    try:
        for frame in paced(source) if settings.played else source:
            came = True
            if not wants_more(frame):
                break
    finally:
        source.close()
    if not came:
        raise SourceUnavailable("it gave no frame")


def _show(document: dict[str, Any]) -> None:
    stdout.print(
        f"{document['url']}: {document['width']}x{document['height']}, {document['frames_per_s']:g} frames/s, "
        f"first after {document['first_frame_s']:g} s, dated by the {document['clock']}'s clock",
        soft_wrap=True,
        highlight=False,
    )
