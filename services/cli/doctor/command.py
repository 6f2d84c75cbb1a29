"""The command: reads the configuration, runs every check, shows what they found. Judges nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from services.cli.doctor.check import Check, Finding, Status, checked
from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.errors import StoreUnavailable, VreidError

if TYPE_CHECKING:
    from services.cli.doctor.sizing import Load
    from services.cli.doctor.store import Server
    from services.config import VreidConfig
    from services.identity.redis_store import RedisStore

STYLES: dict[Status, str] = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_ASK_S = 1.0


def doctor(
    config_file: Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML).")] = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Data folder, where not the configured.")] = None,
    vehicles: Annotated[
        float | None,
        typer.Option("--vehicles", min=1, max=10_000_000, help="Vehicles that pass a camera in a day, for the sizing."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Checks models, GPU, ports, clocks, Redis, disk, retention and sizes; exit 1 when something would not work."""
    from services.config import load_config

    try:
        config = load_config(config_file)
    except VreidError as exc:
        fail(str(exc))
    if data_dir is not None:
        config = config.model_copy(update={"data_dir": data_dir})
    checks = list(_checks(config, vehicles))
    emit([asdict(check) for check in checks], as_json=as_json, render=lambda _: _show(checks))
    if any(check.status == "fail" for check in checks):
        raise typer.Exit(1)


def _checks(config: VreidConfig, vehicles: float | None) -> Iterator[Check]:
    from services.cli.doctor import machine, sizing, software
    from services.observability.certificates import certificate_files

    yield checked("python", software.python)
    yield checked("libraries", software.libraries)
    yield checked("models", lambda: software.models(config.detector.model, config.reid.model, config.detector.input_hw))
    yield checked("faiss", software.faiss_on_cpu)
    yield checked("gpu", lambda: software.gpu(config.matcher.index))
    store, server, complaint = _asked(config)
    try:
        yield from _store_checks(config, store, server, complaint)
        load = _load(config, store if server is not None else None, vehicles)
    finally:
        if store is not None:
            store.close()
    wanted = sizing.sizing(load)
    yield checked("sizing", lambda: sizing.explained(load))
    yield checked("memory", lambda: machine.memory(wanted.memory / 1e9))
    yield checked("data folder", lambda: machine.data_folder(config.data_dir, wanted.disk / 1e9))
    yield checked("file handles", lambda: machine.file_handles(load.cameras, config.matcher.max_waiting_calls))
    for name, address, running in _listeners(config):
        yield checked(f"port {name}", partial(machine.port, name, address, running=running))
    yield checked("certificates", lambda: machine.certificates(dict(certificate_files(config))))


def _asked(config: VreidConfig) -> tuple[RedisStore | None, Server | None, str]:
    """The store, what it says of itself, and where it says nothing, why."""
    from services.cli.doctor.store import asked
    from services.identity.opening import open_store

    try:
        store = open_store(config.redis, config.data_dir, config.site)
    except VreidError as exc:
        return None, None, str(exc)
    try:
        return store, asked(store), ""
    except StoreUnavailable as exc:
        return store, None, str(exc)


def _store_checks(
    config: VreidConfig, store: RedisStore | None, server: Server | None, complaint: str
) -> Iterator[Check]:
    from services.cli.doctor import store as checks

    yield checked("identity store", lambda: checks.durability(config, server, complaint))
    if store is not None and server is not None:
        yield checked("clocks", lambda: checks.clocks(store))
        yield checked("retention", lambda: checks.retention(config, store))
        return
    for name in ("clocks", "retention"):
        yield checked(name, lambda: Finding("ok", "not looked at: the store is not running"))


def _load(config: VreidConfig, store: RedisStore | None, vehicles: float | None) -> Load:
    """What the site has to keep: as said, else as seen so far, else as assumed."""
    from services.cli.doctor.sizing import ASSUMED_PER_CAMERA_DAY, Load
    from services.cli.doctor.store import seen_per_camera_day

    cameras, seen = len(config.cameras), None
    if store is not None:
        try:
            cameras = max(cameras, len(store.list_cameras()))
            seen = seen_per_camera_day(store, cameras) if vehicles is None else None
        except StoreUnavailable:  # ended meanwhile
            seen = None
    return Load(
        cameras=cameras,
        per_camera_day=vehicles or seen or ASSUMED_PER_CAMERA_DAY,
        retention_s=config.retention.sighting_retention_s,
        measured=seen is not None,
    )


def _listeners(config: VreidConfig) -> Iterator[tuple[str, str, bool]]:
    """Key, address and whether ours answers there, of every listener that the configuration asks for."""
    from services.supervisor import read_run

    run = read_run(config.data_dir)
    ours = run.roles if run is not None else {}
    yield "matcher.listen", config.matcher.listen, "matcher" in ours or _serves(config)
    if config.web.enabled:
        yield "web.listen", config.web.listen, "web" in ours
    for role, address in config.metrics.addresses().items():
        yield f"metrics.{role}_port", address, role in ours or (role == "supervisor" and run is not None)


def _serves(config: VreidConfig) -> bool:
    from services.client.beside import client_beside

    with client_beside(config, _ASK_S) as client:
        return client.serving()


def _show(checks: list[Check]) -> None:
    shown = table("check", "status", "detail")
    for check in checks:
        advice = (f"\n→ {check.advice}", "bold") if check.advice else ""
        shown.add_row(check.name, Text(check.status, style=STYLES[check.status]), Text.assemble(check.detail, advice))
    stdout.print(shown)
