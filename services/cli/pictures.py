"""Picture files that a person names, read with care. Decodes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from services.errors import InputError
from services.images import ImageLimits, check_image

#: A file beyond this is no photograph; nothing of it is read.
MAX_FILE_BYTES = 512 * 2**20
#: Only the format is judged here; the matcher's own limits decide on the size.
_ANY_SIZE = ImageLimits(min_side_px=1, max_pixels=2**62)


def read_picture(path: Path) -> bytes:
    """The bytes of a picture file.

    Raises:
        InputError: There is no such file, it cannot be read, is empty, or is no picture.
    """
    try:
        if path.is_file() and path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path}: larger than {MAX_FILE_BYTES} bytes")
        data = path.read_bytes()
    except OSError as exc:
        raise InputError(f"{path}: {(exc.strerror or 'cannot be read').lower()}") from exc
    check_image(data, _ANY_SIZE, str(path))
    return data


@contextmanager
def naming_files(**sent: Sequence[Path]) -> Iterator[None]:
    """Names the file where a matcher refuses a picture inside by its place in the request.

    Args:
        sent: The files, by the request's field, in the order of their pictures.

    Raises:
        InputError: As raised inside.
    """
    try:
        yield
    except InputError as exc:
        found = re.match(r"(\w+)\[(\d+)\](?:\.image)?: ", str(exc))
        files = sent.get(found[1], ()) if found else ()
        if found is None or int(found[2]) >= len(files):
            raise
        raise type(exc)(f"{files[int(found[2])]}: {str(exc)[found.end() :]}") from exc
