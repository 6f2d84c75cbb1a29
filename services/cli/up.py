"""`vreid up`: everything on this machine for the cameras given, until stopped or, with --once, until they end."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stderr, stdout
from services.errors import ConfigError, Interrupted, VreidError
from services.stopping import when_told_to_stop

if TYPE_CHECKING:
    from services.config import VreidConfig
    from services.launch import Machine

_TICK_S = 0.1
_DECIDE_TIMEOUT_S = 60.0


def up(
    config_file: Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML).")] = None,
    cameras: Annotated[
        list[str] | None,
        typer.Option("--camera", help="NAME=URL of a stream or NAME=FILE of a recording; may be repeated."),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Where everything that lasts is kept.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when every camera has ended, and report.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Follows the vehicles of your cameras: starts Valkey, the matcher and ingest, and keeps them running."""
    from services.observability.logs import configure_logging

    try:
        config = _configured(config_file, cameras or [], data_dir)
        if config.logging.format == "json":
            configure_logging(config.logging, "supervisor")
        document = _run(config, once=once, quiet=as_json or not stderr.is_terminal)
    except VreidError as exc:
        fail(str(exc))
    if once:
        emit(document, as_json=as_json, render=_show)


def _configured(config_file: Path | None, cameras: list[str], data_dir: Path | None) -> VreidConfig:
    from pydantic import ValidationError

    from services.config import load_config
    from services.ingest.cameras import CameraSettings

    config = load_config(config_file)
    added = []
    for text in cameras:
        name, equals, url = text.partition("=")
        if not equals:
            raise ConfigError(f"--camera {text}: expected NAME=URL or NAME=FILE")
        try:
            camera = CameraSettings(id=name, url=url)
        except ValidationError as exc:
            raise ConfigError(f"--camera {name}: {exc.errors()[0]['msg']}") from exc
        if camera.scheme == "file" and not camera.path.is_file():
            raise ConfigError(f"--camera {name}: no such file: {camera.path}")
        added.append(camera)
    changes: dict[str, Any] = {"cameras": config.cameras + tuple(added)}
    if data_dir is not None:
        changes["data_dir"] = data_dir
    ids = [camera.id for camera in changes["cameras"]]
    if not ids:
        raise ConfigError("no camera: give --camera NAME=URL or a --config that names cameras")
    if len(set(ids)) != len(ids):
        raise ConfigError("two cameras have the same name")
    return config.model_copy(update=changes)


def _run(config: VreidConfig, *, once: bool, quiet: bool) -> dict[str, Any]:
    from services.cli.watch import Watch, shown
    from services.launch import Machine

    stop = threading.Event()
    when_told_to_stop(stop.set)
    began = time.monotonic()
    with Machine(config, once=once, stop=stop) as machine:
        machine.claim()
        try:
            machine.start()
            watch = Watch(machine.store, f"vreid up · {config.site}")
            machine.start_ingest()
            console = machine.start_web()
        except Interrupted:
            if once:
                raise
            return {}
        where = f"console {console}" if console else "ask with: vreid query PICTURE"
        watch.note = f"{where} · gRPC on {config.matcher.listen} · Ctrl-C ends"
        with shown(watch, quiet=quiet) as refresh:
            while not stop.is_set() and not (once and machine.ingest_ended()):
                machine.poll()
                refresh()
                stop.wait(_TICK_S)
            if not once:
                return {}
            machine.drain_ingest()
            if not machine.wait_decided(_DECIDE_TIMEOUT_S, refresh):
                raise VreidError(f"not all sightings were decided within {_DECIDE_TIMEOUT_S:.0f} s")
        return _report(machine, time.monotonic() - began)


def _report(machine: Machine, seconds: float) -> dict[str, Any]:
    store = machine.store
    cameras = store.list_cameras()
    sightings = list(store.scan_sightings())
    identities = {identity for _, identity in sightings if identity is not None}
    return {
        "cameras": {
            camera.camera_id: {"state": camera.state, "detail": camera.detail, **camera.stats} for camera in cameras
        },
        "sightings": len(sightings),
        "identities": len(identities),
        "restarts": machine.restarts(),
        "seconds": round(seconds, 1),
    }


def _show(document: dict[str, Any]) -> None:
    stdout.print(
        f"{document['sightings']} sightings of {document['identities']} vehicles "
        f"in {len(document['cameras'])} camera(s), {document['seconds']:.0f} s"
    )
