"""Checks of the machine: memory, disk, ports, file handles, certificates."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from services.cli.doctor.check import Finding
from services.errors import PortInUse
from services.launch import refuse_taken_port
from services.observability.certificates import certificate_ends

_LOW_MEMORY_GB = 4.0
_LOW_DISK_GB = 5.0
_HANDLES_ALWAYS = 512
_HANDLES_PER_CAMERA = 16
_ENDS_SOON_S = 14 * 86_400
_DAY_S = 86_400
#: What does not outlive a restart of the machine.
_VOLATILE = frozenset({"tmpfs", "ramfs", "overlay"})


def memory(needed_gb: float, available_gb: float | None = None) -> Finding:
    """Whether the machine has the memory that the site needs.

    Args:
        needed_gb: By the sizing.
        available_gb: Of the machine; None asks it.
    """
    total_gb = available_gb
    if total_gb is None:
        total_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    detail = f"{total_gb:.0f} GB and {os.cpu_count()} CPU cores; the sizing asks for {needed_gb:.1f} GB"
    figures = {"total_gb": total_gb, "needed_gb": needed_gb}
    if total_gb < max(needed_gb, _LOW_MEMORY_GB):
        advice = "shorten retention.sighting_retention_s, spread the roles, or add memory"
        return Finding("warn", detail, advice, figures)
    return Finding("ok", detail, figures=figures)


def data_folder(data_dir: Path, needed_gb: float, free_gb: float | None = None) -> Finding:
    """Whether the data folder can be written, lasts, and has room for what will be kept.

    Args:
        data_dir: Of the configuration.
        needed_gb: By the sizing, at full retention.
        free_gb: Room; None asks the disk.
    """
    folder = data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        return Finding("fail", f"{folder} cannot be written", "give it to the user that runs vreid, or set data_dir")
    if free_gb is None:
        free_gb = shutil.disk_usage(folder).free / 1e9
    figures = {"free_gb": free_gb, "needed_gb": needed_gb}
    detail = f"{data_dir}: {free_gb:.0f} GB free, up to {needed_gb:.1f} GB needed"
    if free_gb < 1.0:
        return Finding("fail", detail, "make room: every write would stop", figures)
    if free_gb < max(_LOW_DISK_GB, needed_gb):
        return Finding("warn", detail, "add room or shorten retention.sighting_retention_s", figures)
    kind = _filesystem(folder)
    if kind in _VOLATILE:
        return Finding("warn", f"{detail}; it lies on {kind}", "put data_dir on a disk or volume that lasts", figures)
    return Finding("ok", detail, figures=figures)


def _filesystem(folder: Path) -> str:
    """Kind of the file system that a folder lies on, "" where that cannot be found out."""
    try:
        lines = Path("/proc/mounts").read_text("utf-8").splitlines()
    except OSError:
        return ""
    mounts = {mount.split()[1]: mount.split()[2] for mount in lines if len(mount.split()) > 2}
    place = folder
    while str(place) not in mounts and place != place.parent:
        place = place.parent
    return mounts.get(str(place), "")


def port(name: str, address: str, *, running: bool) -> Finding:
    """Whether a listener's address is free, or ours.

    Args:
        name: Its key in the configuration.
        address: host:port.
        running: Whether the product's own process answers there.
    """
    if running:
        return Finding("ok", f"serves on {address}")
    try:
        refuse_taken_port(address)
    except PortInUse as exc:
        return Finding("fail", str(exc), f"stop what listens there, or set {name}")
    return Finding("ok", f"not running; {address} is free")


def file_handles(cameras: int, max_calls: int, limit: int | None = None) -> Finding:
    """Whether the process limit on open files suffices.

    Args:
        cameras: Configured.
        max_calls: `matcher.max_waiting_calls`.
        limit: Soft limit; None asks the system.
    """
    if limit is None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    needed = _HANDLES_ALWAYS + _HANDLES_PER_CAMERA * cameras + max_calls
    detail = f"{limit} open files allowed, about {needed} needed"
    if limit != resource.RLIM_INFINITY and limit < needed:
        return Finding("warn", detail, "ulimit -n 65536, or LimitNOFILE=65536 in the systemd unit")
    return Finding("ok", detail)


def certificates(files: Mapping[str, Path], now_s: float | None = None) -> Finding:
    """When the configured certificates end.

    Args:
        files: PEM files by name.
        now_s: Unix time; None for now.
    """
    if not files:
        return Finding("ok", "none configured; everything listens on this machine alone")
    now_s = time.time() if now_s is None else now_s
    worst, parts = "ok", []
    for name, path in files.items():
        try:
            left_s = certificate_ends(path).timestamp() - now_s
        except (OSError, ValueError) as exc:
            return Finding("fail", f"{name}: {exc}", "name a PEM file that can be read")
        if left_s <= 0:
            return Finding("fail", f"{name} has ended ({path})", "renew it and restart the role")
        if left_s < _ENDS_SOON_S:
            worst = "warn"
        parts.append(f"{name} ends in {left_s / _DAY_S:.0f} days")
    if worst == "warn":
        return Finding("warn", ", ".join(parts), "renew it")
    return Finding("ok", ", ".join(parts))
