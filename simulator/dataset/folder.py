"""The folder of a data set while it grows: which plan it follows, which blocks are done. Knows no layout's details.

A block is done when its records are there; they are written last and whole. What a killed run left of a block is
overwritten by the same pictures when it is rendered again.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

from simulator.dataset.plan import Block, DatasetPlan
from simulator.dataset.records import read_lines, write_text
from simulator.errors import DatasetError

DOCUMENT = "dataset.json"
_BLOCKS = "blocks"

#: Where the pictures of a part lie, by kind of set.
PICTURE_FOLDERS: dict[str, dict[str, str]] = {
    "reid": {"train": "image_train", "test": "image_test"},
    "detection": {"train": "images/train", "test": "images/val"},
}


class SetFolder:
    """One data set's folder, begun or gone on with."""

    def __init__(self, path: Path, plan: DatasetPlan) -> None:
        """Begins the set, or finds out how far it is.

        Raises:
            DatasetError: The folder holds something else, or a set of another plan.
            OSError: It cannot be made.
        """
        self.path, self._plan = path, plan
        self._document: dict[str, Any] = {"plan": plan.document(), "vreid": version("vreid")}
        if (path / DOCUMENT).is_file():
            self._check(read_document(path))
        elif path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise DatasetError(f"{path} is not empty and holds no data set: name a new folder")
        for part in PICTURE_FOLDERS[plan.kind]:
            self.pictures(part).mkdir(parents=True, exist_ok=True)
        (path / _BLOCKS).mkdir(exist_ok=True)
        if not (path / DOCUMENT).is_file():
            self._write({"complete": False})

    @property
    def complete(self) -> bool:
        """Whether everything is written."""
        return bool(read_document(self.path)["complete"])

    def pictures(self, part: str) -> Path:
        """Where pictures of a part lie."""
        return self.path / PICTURE_FOLDERS[self._plan.kind][part]

    def records_path(self, block: Block) -> Path:
        """Where the records of a block lie once it is done."""
        return self.path / _BLOCKS / f"{block.name}.jsonl"

    def open_blocks(self) -> list[Block]:
        """Blocks that are still to be rendered."""
        return [block for block in self._plan.blocks() if not self.records_path(block).is_file()]

    def records(self) -> list[dict[str, Any]]:
        """Of all blocks that are done, in order of blocks."""
        done = [block for block in self._plan.blocks() if self.records_path(block).is_file()]
        return [line for block in done for line in read_lines(self.records_path(block))]

    def remove_strays(self, names: set[str]) -> None:
        """Removes pictures that no record names: an older run of a block may have had more."""
        for part in PICTURE_FOLDERS[self._plan.kind]:
            for picture in self.pictures(part).iterdir():
                if picture.name not in names:
                    picture.unlink()

    def finish(self, facts: dict[str, Any]) -> None:
        """Marks the set as complete.

        Args:
            facts: What else ``dataset.json`` shall tell.
        """
        self._write({"complete": True, **facts})

    def _write(self, more: dict[str, Any]) -> None:
        write_text(self.path / DOCUMENT, json.dumps(self._document | more, indent=1) + "\n")

    def _check(self, found: dict[str, Any]) -> None:
        theirs, ours = found.get("plan", {}), self._document["plan"]
        if theirs != ours:
            keys = [key for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)]
            other = ", ".join(f"{key} {theirs.get(key)} instead of {ours.get(key)}" for key in keys)
            raise DatasetError(f"{self.path} holds another data set ({other}): name a new folder")
        if found.get("vreid") != self._document["vreid"]:
            raise DatasetError(f"{self.path} was begun by vreid {found.get('vreid')}: name a new folder")


def read_document(path: Path) -> dict[str, Any]:
    """``dataset.json`` of a data set.

    Raises:
        DatasetError: The folder holds none, or a damaged one.
    """
    try:
        document = json.loads((path / DOCUMENT).read_text(encoding="utf-8"))
        if not isinstance(document["plan"], dict) or "kind" not in document["plan"]:
            raise KeyError("plan")
    except FileNotFoundError as exc:
        raise DatasetError(f"{path} holds no data set: there is no {DOCUMENT}") from exc
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise DatasetError(f"{path / DOCUMENT} is damaged: render the set again into a new folder") from exc
    else:
        return dict(document)
