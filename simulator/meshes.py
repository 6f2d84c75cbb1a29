"""Where the vehicle meshes come from: Debian's ``sweethome3d-furniture``, found or unpacked without root.

Owns the cache folder and the licence texts of what it unpacks; never reads geometry (see objfile).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from simulator.errors import MeshesMissing

PACKAGE = "sweethome3d-furniture"
SYSTEM_FOLDER = Path("/usr/share/sweethome3d/furniture")
_INSTALL_HINT = f"install it with 'apt-get install {PACKAGE}' (or make 'apt-get download' and 'dpkg' work here)"
_FETCH_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Credit:
    """Who made a mesh and under which licence, as the package's catalogue says.

    Attributes:
        title: The mesh's name in the catalogue.
        creator: Its author.
        licence: Licence line of the archive that holds it.
        archive: File name of that archive.
    """

    title: str
    creator: str
    licence: str
    archive: str


def cache_folder() -> Path:
    """The folder that downloads are kept in: ``$XDG_CACHE_HOME/vreid/meshes``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "vreid" / "meshes"


class MeshLibrary:
    """The package's archives, and models unpacked from them on demand."""

    def __init__(self, archives: Path, unpacked: Path) -> None:
        self._archives = archives
        self._unpacked = unpacked

    @classmethod
    def open(cls, cache: Path | None = None) -> MeshLibrary:
        """Finds the installed package, or a cached copy, or fetches one.

        Args:
            cache: Folder for the copy and the unpacked models; ``cache_folder()`` if None.

        Raises:
            MeshesMissing: It is not installed and could not be fetched.
        """
        cache = cache or cache_folder()
        for folder in (SYSTEM_FOLDER, cache / "package" / SYSTEM_FOLDER.relative_to("/")):
            if any(folder.glob("*.sh3f")):
                return cls(folder, cache / "models")
        _fetch(cache)
        return cls(cache / "package" / SYSTEM_FOLDER.relative_to("/"), cache / "models")

    def model_path(self, archive: str, member: str) -> Path:
        """Unpacks the folder of one model.

        Args:
            archive: Archive name without ending, e.g. ``Scopia``.
            member: Path of the OBJ file inside it, e.g. ``scopia/suv/suv.obj``.

        Returns:
            The OBJ file on disk, its materials and textures beside it.

        Raises:
            MeshesMissing: The package does not hold it.
        """
        target = self._unpacked / archive / member
        if target.exists():
            return target
        folder = str(PurePosixPath(member).parent) + "/"
        staging = target.parent.with_name(f"{target.parent.name}.{os.getpid()}")
        try:
            with zipfile.ZipFile(self._archives / f"{archive}.sh3f") as pack:
                for name in pack.namelist():
                    if name.startswith(folder) and not name.endswith("/"):
                        out = staging / PurePosixPath(name).relative_to(folder)
                        out.parent.mkdir(parents=True, exist_ok=True)
                        out.write_bytes(pack.read(name))
            if not (staging / target.name).exists():
                raise MeshesMissing(f"{archive}.sh3f holds no {member}: another version of {PACKAGE}? {_INSTALL_HINT}")
            if not target.parent.exists():
                staging.rename(target.parent)
        except (OSError, zipfile.BadZipFile) as exc:
            raise MeshesMissing(f"cannot read {archive}.sh3f of {PACKAGE}: {exc}; {_INSTALL_HINT}") from exc
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return target

    def credit(self, archive: str, member: str) -> Credit:
        """Author and licence of one model, read from the catalogue inside its archive."""
        with zipfile.ZipFile(self._archives / f"{archive}.sh3f") as pack:
            text = pack.read("PluginFurnitureCatalog.properties").decode("latin1")
        fields = dict(re.findall(r"^(\w+(?:#\d+)?)=(.*?)\s*$", text, re.MULTILINE))
        for key, value in fields.items():
            if key.startswith("model#") and value.strip().lstrip("/") == member:
                number = key.split("#")[1]
                return Credit(
                    title=_unescape(fields.get(f"name#{number}", member)),
                    creator=_unescape(fields.get(f"creator#{number}", "unknown")),
                    licence=_unescape(fields.get("license", "unknown")),
                    archive=f"{archive}.sh3f",
                )
        raise MeshesMissing(f"the catalogue of {archive}.sh3f does not list {member}")


def _unescape(value: str) -> str:
    r"""Undoes the ``\uXXXX`` of Java property files."""
    return re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m.group(1), 16)), value).strip()


def _download(folder: Path) -> None:
    """Puts the package's file into a folder; where apt knows no packages yet, it is asked with lists of our own.

    Raises:
        subprocess.SubprocessError: apt cannot get it.
    """

    def apt(*arguments: str) -> None:
        command = ["apt-get", *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=_FETCH_TIMEOUT_S)

    try:
        apt("download", PACKAGE)
    except subprocess.CalledProcessError:
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "archives" / "partial").mkdir(parents=True)
        own = [f"Dir::State::lists={folder}/lists", f"Dir::Cache={folder}", "Debug::NoLocking=1"]
        options = [part for option in own for part in ("-o", option)]
        apt(*options, "update")
        apt(*options, "download", PACKAGE)


def _fetch(cache: Path) -> None:
    """Downloads the package with apt and unpacks it with dpkg, into ``cache / "package"``."""
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            raise MeshesMissing(f"vehicle meshes ({PACKAGE}) not found and there is no {tool}: {_INSTALL_HINT}")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        try:
            _download(Path(scratch))
            package = next(Path(scratch).glob(f"{PACKAGE}_*.deb"))
            unpacked = Path(scratch) / "unpacked"
            subprocess.run(
                ["dpkg", "-x", str(package), str(unpacked)], check=True, capture_output=True, timeout=_FETCH_TIMEOUT_S
            )
        except (subprocess.SubprocessError, OSError, StopIteration) as exc:
            raise MeshesMissing(f"vehicle meshes ({PACKAGE}) could not be fetched: {_INSTALL_HINT}") from exc
        if not (cache / "package").exists():
            unpacked.rename(cache / "package")
