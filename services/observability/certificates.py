"""When a certificate ends, read from its file. Verifies nothing.

Source: RFC 5280, section 4.1: Certificate, TBSCertificate and Validity are sequences of DER elements in fixed order.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

_VERSION_TAG = 0xA0
_UTC_TIME = 0x17
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def certificate_files(settings: BaseModel, name: str = "") -> Iterator[tuple[str, Path]]:
    """Every certificate that a configuration names, by dotted key without the field's own name.

    Any field of a section whose name ends in ``certificate`` and that holds a path counts.
    """
    for field in type(settings).model_fields:
        value = getattr(settings, field)
        if isinstance(value, BaseModel):
            yield from certificate_files(value, f"{name}.{field}" if name else field)
        elif isinstance(value, Path) and field.endswith("certificate"):
            yield name or field, value


def certificate_ends(path: Path) -> datetime:
    """When the first certificate of a PEM file ends.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no certificate.
    """
    found = _PEM.search(path.read_text("ascii", errors="replace"))
    if found is None:
        raise ValueError(f"{path}: no PEM certificate")
    try:
        return _not_after(ssl.PEM_cert_to_DER_cert(found[0]))
    except (IndexError, ValueError) as exc:
        raise ValueError(f"{path}: not a certificate: {exc}") from exc


def ends_by_name(files: Mapping[str, Path]) -> dict[str, float]:
    """Unix time of the end of each certificate that can be read."""
    ends = {}
    for name, path in files.items():
        try:
            ends[name] = certificate_ends(path).timestamp()
        except (OSError, ValueError):
            ends[name] = 0.0
    return ends


def _element(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, start and end of the contents of the DER element at a place."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    if start + length > len(data):
        raise ValueError("cut short")
    return tag, start, start + length


def _not_after(der: bytes) -> datetime:
    _, at, _ = _element(der, 0)  # Certificate
    _, at, _ = _element(der, at)  # TBSCertificate
    tag, _, end = _element(der, at)
    if tag == _VERSION_TAG:
        at = end
    for _ in range(3):  # serial number, signature, issuer
        _, _, at = _element(der, at)
    _, at, _ = _element(der, at)  # Validity
    _, _, at = _element(der, at)  # notBefore
    tag, start, end = _element(der, at)
    text = der[start:end].decode("ascii")
    ends = datetime.strptime(text, "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ")
    if tag == _UTC_TIME and ends.year >= 2050:  # RFC 5280 section 4.1.2.5.1: two digits from 50 on are of 19xx
        ends = ends.replace(year=ends.year - 100)
    return ends.replace(tzinfo=UTC)
