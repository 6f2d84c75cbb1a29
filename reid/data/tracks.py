"""Track files of VeRi-776 and CityFlow-ReID: one track a line, its pictures between blanks. Reads one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reid.data.pictures import read_lines
from reid.data.samples import Sample
from reid.errors import DataError


def read_tracks(path: Path, gallery: Sequence[Sample], *, named: bool = False) -> tuple[tuple[int, ...], ...]:
    """Reads tracks as indices into a gallery.

    Args:
        path: The track file.
        gallery: What tracks are made of.
        named: Lines may begin with the track's name, as VeRi's do: a first word that names no picture of the gallery is
            taken for one.

    Returns:
        Rows of ``gallery`` per track, in the file's order, each once.

    Raises:
        DataError: The file is missing, names a picture that is not in the gallery, or mixes vehicles or cameras in a
            track.
    """
    row_of = {sample.path.name: row for row, sample in enumerate(gallery)}
    tracks = []
    for number, line in enumerate(read_lines(path), start=1):
        names = line.split()
        if named and names[0] not in row_of and len(names) > 1:
            names = names[1:]
        strange = [name for name in names if name not in row_of]
        if strange:
            raise DataError(f"{path}:{number}: {strange[0]} is not in the gallery")
        rows = tuple(dict.fromkeys(row_of[name] for name in names))
        if len({(gallery[row].vehicle, gallery[row].camera) for row in rows}) > 1:
            raise DataError(f"{path}:{number}: a track shows one vehicle in one camera, this one more")
        tracks.append(rows)
    return tuple(tracks)
