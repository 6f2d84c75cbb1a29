"""Reader of CityFlow-ReID (AI City Challenge, track 2). Decodes no picture.

    image_train/  image_query/  image_test/     000001.jpg: names say nothing
    train_label.xml                             vehicleID and cameraID ("c014") of every training picture
    query_label.xml  test_label.xml             the same; the challenge publishes cameraID only
    train_track.txt  test_track.txt             tracks, one a line

Source: Tang et al., "CityFlow: a city-scale benchmark for multi-target multi-camera vehicle tracking and
re-identification", CVPR 2019, and the challenge's ReadMe.
"""

from __future__ import annotations

from pathlib import Path

from reid.data.items_xml import read_items
from reid.data.pictures import require_files
from reid.data.samples import ReidSet, Sample
from reid.data.tracks import read_tracks
from reid.errors import DataError


def read_cityflow(root: Path) -> ReidSet:
    """Reads the set.

    Args:
        root: Folder with the three picture folders and `train_label.xml`.

    Returns:
        The training part; query and gallery too where their label files name vehicles. Tracks of the gallery where
        `test_track.txt` is there.

    Raises:
        DataError: A label file, or a picture that it names, is missing; or a training picture has no vehicle.
    """
    train = _read_part(root, "train")
    if any(not sample.vehicle for sample in train):
        raise DataError(f"{root / 'train_label.xml'}: pictures without vehicleID")
    query, gallery = _read_part(root, "query"), _read_part(root, "test")
    if any(not sample.vehicle for sample in query + gallery):
        return ReidSet("cityflow", train, (), ())
    tracks_file = root / "test_track.txt"
    tracks = read_tracks(tracks_file, gallery) if tracks_file.is_file() else ()
    return ReidSet("cityflow", train, query, gallery, tracks)


def _read_part(root: Path, part: str) -> tuple[Sample, ...]:
    label_file = root / f"{part}_label.xml"
    items = read_items(label_file)
    paths = [root / f"image_{part}" / name for name in items]
    require_files(paths, label_file)
    return tuple(
        Sample(path, "cityflow", item.get("vehicleID", ""), item.get("cameraID", "").removeprefix("c"))
        for path, item in zip(paths, items.values(), strict=True)
    )
