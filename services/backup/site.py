"""Which parts of a site a backup holds, and where a restore puts them. Starts and stops nothing."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.backup import append_only
from services.backup.archive import BackupWriter, Contents, read_backup
from services.config import VreidConfig
from services.errors import ConfigError, SnapshotError

_STAMP, _TOKENS, _CONFIG = "store/server.json", "data/tokens.json", "config/vreid.yaml"
#: A setting's value that leads to something outside of a backup: a secret elsewhere, or a network of one's own.
_REFERENCE = re.compile(r"(env:[A-Za-z_]\w*|file:.+|/.+\.(safetensors|pt))")
#: Settings whose files are in a backup, that name a folder, or a camera.
_NOT_LEFT_OUT = ("data_dir", "access.tokens_file", "ingest.crops_url")


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of a site lie.

    Attributes:
        store: The server's folder.
        crops: Pictures; None where they lie elsewhere than on a disk of this machine.
        data_dir: The product's data folder.
        tokens: The file of hashed tokens.
    """

    store: Path
    crops: Path | None
    data_dir: Path
    tokens: Path

    @property
    def small_files(self) -> Mapping[str, Path]:
        """Where members that are a file each lie, by their name."""
        return {_STAMP: self.store / "server.json", _TOKENS: self.tokens}


def places_of(config: VreidConfig, store_folder: Path | None) -> Places:
    """Where a configuration puts things.

    Args:
        config: Of the site.
        store_folder: The folder of an external store's server, where it lies on this machine.

    Raises:
        ConfigError: The store is external and its folder is not given.
    """
    if config.redis.url is not None and store_folder is None:
        raise ConfigError("redis.url: the store is external; give --store-folder, or back it up by its own means")
    crops: Path | None = config.data_dir / "crops"
    if config.ingest.crops_url is not None:
        parts = urlsplit(config.ingest.crops_url)
        crops = Path(parts.path) if parts.scheme in ("", "file") else None
    tokens = config.access.file_in(config.data_dir)
    return Places(store_folder or config.data_dir / "redis", crops, config.data_dir, tokens)


def left_out(config: VreidConfig) -> list[str]:
    """What a configuration leads to and a backup does not hold: secrets, certificates, networks; "setting: place"."""
    return sorted(f"{name}: {value}" for name, value in _leaves(config.model_dump()) if _leads_out(name, value))


def _leaves(node: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The values that a setting is made of, by dotted name."""
    inner: Sequence[tuple[Any, Any]] = ()
    if isinstance(node, Mapping):
        inner = list(node.items())
    elif isinstance(node, list | tuple):
        inner = list(enumerate(node))
    else:
        yield name, node
    for key, value in inner:
        yield from _leaves(value, f"{name}.{key}" if name else str(key))


def _leads_out(name: str, value: Any) -> bool:
    if name in _NOT_LEFT_OUT or name.startswith("cameras."):
        return False
    return isinstance(value, Path) or (isinstance(value, str) and _REFERENCE.fullmatch(value) is not None)


def create(config: VreidConfig, config_file: Path | None, out: Path, store_folder: Path | None = None) -> Contents:
    """Writes a backup of a site, which may be running.

    The store goes first: every picture that it names was written before, and is added after it.

    Args:
        config: Of the site.
        config_file: Added as it is, for whoever restores; None for none.
        out: Of the backup; must not exist.
        store_folder: See ``places_of``.

    Raises:
        ConfigError: There is nothing to back up where the configuration says.
        SnapshotError: It cannot be written.
    """
    places = places_of(config, store_folder)
    with BackupWriter(out) as backup:
        with append_only.opened(places.store) as parts:
            for name, file, length in parts:
                backup.add(f"store/{name}", file, length)
        for name, path in places.small_files.items():
            _add_file(backup, name, path)
        if config_file is not None:
            _add_file(backup, _CONFIG, config_file)
        pictures = sum(_add_file(backup, f"crops/{name}", path) for name, path in _pictures(places.crops))
        about = {
            "product": f"vreid {version('vreid')}",
            "site": config.site,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "pictures": pictures,
            "pictures_elsewhere": config.ingest.crops_url if places.crops is None else None,
            "left_out": left_out(config),
        }
        return backup.finish(about)


def _add_file(backup: BackupWriter, name: str, path: Path) -> bool:
    """Adds a file; False where there is none, because retention has just removed it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise SnapshotError(f"{path}: {exc.strerror}") from exc
    with file:
        backup.add(name, file, os.fstat(file.fileno()).st_size)
    return True


def _pictures(folder: Path | None) -> Iterator[tuple[str, Path]]:
    if folder is not None:
        for path in sorted(folder.glob("??/*.jpg")):
            yield f"{path.parent.name}/{path.name}", path


def restore(config: VreidConfig, path: Path, store_folder: Path | None = None) -> Contents:
    """Puts a backup where a configuration says; the processes of the site must not run.

    All of it is unpacked and checked first and then renamed into place, so that a damaged backup changes nothing.

    Args:
        config: Of the site as it shall be.
        path: Of the backup.
        store_folder: See ``places_of``.

    Raises:
        ConfigError: Something lies where it should go, or the backup is of another site.
        SnapshotError: The backup is damaged, or cannot be unpacked.
    """
    places = places_of(config, store_folder)
    targets = [places.store / append_only.FOLDER, *([places.crops] if places.crops is not None else [])]
    for target in targets:
        if target.exists() and any(target.iterdir()):
            raise ConfigError(f"{target} is not empty: move it away, a restore overwrites nothing")
    draft = places.data_dir / f"restore-{secrets.token_hex(4)}"
    try:
        draft.mkdir(mode=0o700, parents=True)
        contents = read_backup(path, draft)
        if contents.about.get("site") != config.site:
            raise ConfigError(f"{path} is of site {contents.about.get('site')!r}, not {config.site!r}")
        _refuse_other(draft, places)
        _place(draft, places)
        return contents
    except OSError as exc:
        raise SnapshotError(f"{path}: cannot be restored: {exc.strerror or exc}") from exc
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _refuse_other(draft: Path, places: Places) -> None:
    """Refuses where a small file lies already that is not the same as the backup's."""
    for name, target in places.small_files.items():
        unpacked = draft / name
        if unpacked.is_file() and target.exists() and target.read_bytes() != unpacked.read_bytes():
            raise ConfigError(f"{target} is there and not the backup's: move it away, a restore overwrites nothing")


def _place(draft: Path, places: Places) -> None:
    """Moves what was unpacked to where it belongs; the store last, for without it nothing counts."""
    for name, target in places.small_files.items():
        if (draft / name).is_file():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.move(draft / name, target)
    if places.crops is not None and (draft / "crops").is_dir():
        if places.crops.exists():
            places.crops.rmdir()
        places.crops.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(draft / "crops", places.crops)
    places.store.mkdir(parents=True, exist_ok=True, mode=0o700)
    (places.store / append_only.FOLDER).mkdir(exist_ok=True)
    (places.store / append_only.FOLDER).rmdir()
    shutil.move(draft / "store" / append_only.FOLDER, places.store / append_only.FOLDER)
