"""`vreid doctor`: what this machine has and lacks, each check with its answer. Changes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Literal

import typer

from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.errors import VreidError

Status = Literal["ok", "warning", "failed"]
STYLES: dict[Status, str] = {"ok": "green", "warning": "yellow", "failed": "bold red"}
_LOW_DISK_GB = 5.0
_LOW_MEMORY_GB = 4.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at."""

    name: str
    status: Status
    detail: str


def doctor(
    config_file: Annotated[Path | None, typer.Option("--config", help="Configuration file (YAML).")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check models, server, data folder, port, memory and GPU; exit 1 when something would not work."""
    from services.config import load_config

    try:
        config = load_config(config_file)
    except VreidError as exc:
        fail(str(exc))
    checks = [
        _guarded("python", _python),
        _guarded("memory", _memory),
        _guarded("models", lambda: _models(config.detector.input_hw)),
        _guarded("identity store", lambda: _store(config.redis.url, config.redis.binary, config.data_dir)),
        _guarded("data folder", lambda: _data_dir(config.data_dir)),
        _guarded("matcher", lambda: _matcher(config.matcher.listen)),
        _guarded("faiss", _faiss),
    ]
    emit([asdict(check) for check in checks], as_json=as_json, render=lambda _: _show(checks))
    if any(check.status == "failed" for check in checks):
        raise typer.Exit(1)


def _guarded(name: str, look: Callable[[], tuple[Status, str]]) -> Check:
    try:
        return Check(name, *look())
    except VreidError as exc:
        return Check(name, "failed", " ".join(str(exc).split()))


def _python() -> tuple[Status, str]:
    parts = [f"Python {sys.version.split()[0]}"]
    for package in ("vreid", "openvino", "faiss-cpu", "grpcio", "av", "torch"):
        try:
            parts.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            parts.append(f"no {package}")
    return "ok", ", ".join(parts)


def _memory() -> tuple[Status, str]:
    total_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    detail = f"{total_gb:.0f} GB, {os.cpu_count()} CPU cores"
    return ("ok" if total_gb >= _LOW_MEMORY_GB else "warning"), detail


def _models(input_hw: tuple[int, int]) -> tuple[Status, str]:
    from services.models.store import ModelStore

    missing = [state.entry.name for state in ModelStore(offline=True).states(input_hw) if state.prepared is None]
    if missing:
        return "failed", f"not prepared: {', '.join(missing)}; run: vreid models fetch"
    return "ok", "all fetched and converted"


def _store(url: str | None, binary: Path | None, data_dir: Path) -> tuple[Status, str]:
    from services.identity.embedded import EmbeddedServer, server_version

    if url is None:
        name, numbers = server_version(EmbeddedServer(data_dir, binary).binary)
        return "ok", f"embedded {name} {'.'.join(map(str, numbers))}, every write on disk before its reply"
    return _external_store(url)


def _external_store(url: str) -> tuple[Status, str]:
    import redis

    from services.identity.redis_client import connect
    from services.identity.settings import RedisSettings
    from services.ingest.cameras import redact

    try:
        info = connect(url, RedisSettings(url=url)).config_get("append*", "maxmemory-policy")
    except redis.RedisError as exc:
        return "failed", redact(f"{url}: {exc}")
    values = {_text(key): _text(value) for key, value in info.items()}
    if values.get("appendonly") != "yes":
        return "failed", "the external server has appendonly off: what it acknowledges can be lost"
    fsync = values.get("appendfsync", "unknown")
    return ("ok" if fsync == "always" else "warning"), f"external server, appendfsync {fsync}"


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _data_dir(data_dir: Path) -> tuple[Status, str]:
    folder = data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free_gb = shutil.disk_usage(folder).free / 1e9
    if not os.access(folder, os.W_OK):
        return "failed", f"{folder} cannot be written"
    return ("ok" if free_gb >= _LOW_DISK_GB else "warning"), f"{data_dir}: {free_gb:.0f} GB free"


def _matcher(address: str) -> tuple[Status, str]:
    from services.client import MatcherClient
    from services.errors import PortInUse
    from services.launch import refuse_taken_port

    with MatcherClient(address, timeout_s=1.0) as client:
        if client.serving():
            return "ok", f"serves on {address}"
    try:
        refuse_taken_port(address)
    except PortInUse:
        return "failed", f"{address} is taken by something else"
    return "ok", f"not running; {address} is free"


def _faiss() -> tuple[Status, str]:
    import faiss
    import numpy as np

    vectors = np.eye(8, dtype=np.float32)
    index = faiss.IndexFlatIP(8)
    index.add(vectors)
    found = index.search(vectors[3:4], 1)[1][0, 0]
    gpus = faiss.get_num_gpus() if hasattr(faiss, "get_num_gpus") else 0
    return ("ok" if found == 3 else "failed"), f"search answers; {gpus} GPU(s) usable"


def _show(checks: list[Check]) -> None:
    shown = table("check", "status", "detail")
    for check in checks:
        shown.add_row(check.name, f"[{STYLES[check.status]}]{check.status}[/]", check.detail)
    stdout.print(shown)
