"""Which pictures show which vehicle, in which camera: one reader per published layout. Never a network.

Readers are strict: a missing split file or picture, or a name beyond what the layout allows, is an error that names it.
"""

from reid.data.draw import MOST_VIEWS, count_views, draw_views
from reid.data.layouts import LAYOUTS, Layout, SetOptions, read_set
from reid.data.pattern import PATTERNS, read_folder, read_kinds
from reid.data.pictures import read_picture, readable, require_picture
from reid.data.samples import DataSet, ReidSet, Sample, relabel
from reid.data.split import count_pairs, crosses_cameras, require_positives, split_vehicles

__all__ = [
    "LAYOUTS",
    "MOST_VIEWS",
    "PATTERNS",
    "DataSet",
    "Layout",
    "ReidSet",
    "Sample",
    "SetOptions",
    "count_pairs",
    "count_views",
    "crosses_cameras",
    "draw_views",
    "read_folder",
    "read_kinds",
    "read_picture",
    "read_set",
    "readable",
    "relabel",
    "require_picture",
    "require_positives",
    "split_vehicles",
]
