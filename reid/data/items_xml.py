"""The label files of VeRi-776 and CityFlow-ReID: XML with one `Item` per picture. Reads one file."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

from reid.errors import DataError


def read_items(path: Path) -> dict[str, dict[str, str]]:
    """Attributes by picture.

    Args:
        path: `<…><Items><Item imageName="…" vehicleID="…" cameraID="…" …/>…</Items></…>`.

    Returns:
        All attributes of each item, by `imageName`.

    Raises:
        DataError: The file is missing or no such XML; the message names it.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise DataError(f"cannot read the label file {path}: {exc.strerror}") from exc
    try:
        # The files declare GB2312, which expat cannot decode; a text has no encoding left to declare.
        items = [dict(item.attrib) for item in ET.fromstring(_decode(content)).iter("Item")]
        return {item["imageName"]: item for item in items}
    except (ET.ParseError, KeyError, ValueError) as exc:
        raise DataError(f"{path} is no label file: {exc}") from exc


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb2312")
