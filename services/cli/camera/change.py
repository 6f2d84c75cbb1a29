"""`vreid camera add` and `remove`: change which cameras a running system reads. Opens no camera."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout
from services.errors import ConfigError, StoreUnavailable, VreidError

if TYPE_CHECKING:
    from services.config import VreidConfig
    from services.ingest.cameras import CameraSettings

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file of the running system (YAML).")]
DataDirOption = Annotated[Path, typer.Option("--data-dir", help="Its data folder, where no configuration is given.")]
DEFAULT_DATA_DIR = Path("vreid-data")


def site_config(config_file: Path | None, data_dir: Path) -> VreidConfig:
    """The configuration of a running system: the file given, or what it wrote into its data folder.

    Raises:
        ConfigError: There is none, or it cannot be used.
    """
    from services.config import load_config

    written = data_dir / "config.yaml"
    if config_file is None and not written.is_file():
        raise ConfigError(f"{data_dir} holds no running system: give --data-dir or --config")
    return load_config(config_file or written)


@contextmanager
def naming_absent_store(config: VreidConfig) -> Iterator[None]:
    """Puts a failure of the store inside in plain words where no server runs in the configuration's data folder.

    Raises:
        StoreUnavailable: The store does not answer, or refuses.
    """
    from services.identity.embedded import EmbeddedServer

    try:
        yield
    except StoreUnavailable as exc:
        if config.redis.url is not None or EmbeddedServer(config.data_dir, config.redis.binary).answers():
            raise
        raise StoreUnavailable(
            f"no store runs in {config.data_dir}: start its site, or name the running site's --config; "
            "that of a demo is config.yaml in its data folder"
        ) from exc


def add(  # noqa: PLR0913, PLR0917 - one option per setting
    camera_id: Annotated[str, typer.Argument(help="Name of the camera.")],
    url: Annotated[str, typer.Argument(help="rtsp, rtsps, http or https address, without password.")],
    transport: Annotated[str, typer.Option(help="How RTSP media travels: tcp or udp.")] = "tcp",
    user: Annotated[str | None, typer.Option(help="User, where the camera asks for one.")] = None,
    password: Annotated[str | None, typer.Option(help="Where ingest finds it: env:NAME or file:PATH.")] = None,
    max_fps: Annotated[float | None, typer.Option(help="Leave out frames beyond this rate.")] = None,
    clock: Annotated[str, typer.Option(help="Whose clock dates frames: host or camera.")] = "host",
    include: Annotated[list[str] | None, typer.Option(help="Zone in which vehicles count: x,y x,y x,y.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="Zone in which vehicles do not count.")] = None,
    mask: Annotated[list[str] | None, typer.Option(help="Area that is painted over.")] = None,
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Adds a camera to a running system, or replaces one; an ingest process takes it within seconds."""
    from services.identity.ingest_board import open_board

    values: dict[str, Any] = {
        "id": camera_id,
        "url": url,
        "origin": "runtime",
        "transport": transport,
        "user": user,
        "password": password,
        "max_fps": max_fps,
        "clock": clock,
        "include": [_polygon(text) for text in include or []],
        "exclude": [_polygon(text) for text in exclude or []],
        "mask": [_polygon(text) for text in mask or []],
    }
    try:
        camera = _settings(values)
        config = site_config(config_file, data_dir)
        with naming_absent_store(config), closing(open_board(config.redis, config.data_dir, config.site)) as board:
            board.set_camera(camera.id, camera.model_dump_json(exclude_defaults=False))
    except VreidError as exc:
        fail(str(exc))
    emit({"camera_id": camera.id, "url": camera.shown_url, "added": True}, as_json=as_json, render=_show_added)


def remove(
    camera_id: Annotated[str, typer.Argument(help="Name of the camera.")],
    config_file: ConfigOption = None,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    as_json: JsonFlag = False,
) -> None:
    """Takes a camera out of a running system; one that the configuration names stays out until it is added again."""
    from services.identity.ingest_board import open_board

    try:
        config = site_config(config_file, data_dir)
        configured = any(camera.id == camera_id for camera in config.cameras)
        with naming_absent_store(config), closing(open_board(config.redis, config.data_dir, config.site)) as board:
            known = board.cameras().get(camera_id)
            if not known and (known == "" or not configured):
                raise ConfigError(f"no camera {camera_id} is read here")
            if configured:
                board.set_camera(camera_id, "")
            else:
                board.unset_camera(camera_id)
            board.clear_record(camera_id)
    except VreidError as exc:
        fail(str(exc))
    emit({"camera_id": camera_id, "removed": True}, as_json=as_json, render=_show_removed)


def _settings(values: dict[str, Any]) -> CameraSettings:
    from pydantic import ValidationError

    from services.ingest.cameras import CameraSettings

    try:
        camera = CameraSettings.model_validate(values)
    except ValidationError as exc:
        error = exc.errors()[0]
        where = ".".join(str(part) for part in error["loc"])
        said = error["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{where}: {said}" if where else said) from exc
    if camera.names_secret:
        raise ConfigError(
            "the address holds a password, which would be stored: give --user and --password env:NAME or file:PATH"
        )
    return camera


def _polygon(text: str) -> list[tuple[float, ...]]:
    """Corners from ``x,y x,y x,y``."""
    try:
        return [tuple(float(number) for number in corner.split(",")) for corner in text.split()]
    except ValueError:
        fail(f"zone {text!r} is not understood: write corners as shares of the picture, e.g. 0,0.5 1,0.5 1,1 0,1")


def _show_added(document: dict[str, Any]) -> None:
    stdout.print(f"{document['camera_id']}: {document['url']} will be read; see vreid camera list", soft_wrap=True)


def _show_removed(document: dict[str, Any]) -> None:
    stdout.print(f"{document['camera_id']} is read no more")
