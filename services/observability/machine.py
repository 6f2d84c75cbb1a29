"""What every role exposes of the machine and the build: version, room on disk, certificates. Reads only."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from prometheus_client.metrics_core import Metric as Family

from services.errors import VreidError
from services.observability import catalogue
from services.observability.certificates import ends_by_name
from services.observability.instruments import family, single


def product_version() -> str:
    """Of the installed product, "unknown" where it is not installed."""
    try:
        return version("vreid")
    except PackageNotFoundError:
        return "unknown"


def machine_families(
    role: str,
    site: str,
    data_dir: Path,
    certificates: Mapping[str, Path],
    ping: Callable[[], None] | None = None,
) -> Iterator[Family]:
    """Values of now.

    Args:
        role: Of this process.
        site: It belongs to.
        data_dir: Whose disk is looked at.
        certificates: Files by name.
        ping: Raises when the store does not answer; None for a role without one.
    """
    yield family(catalogue.BUILD, [((product_version(), role, site), 1.0)])
    folder = data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    yield single(catalogue.DISK_FREE, usage.free)
    yield single(catalogue.DISK_SIZE, usage.total)
    if certificates:
        ends = ends_by_name(certificates)
        yield family(catalogue.CERTIFICATE_ENDS, [((name,), at) for name, at in ends.items()])
    if ping is not None:
        yield single(catalogue.STORE_UP, float(_answers(ping)))


def _answers(ping: Callable[[], None]) -> bool:
    try:
        ping()
    except VreidError:
        return False
    return True
