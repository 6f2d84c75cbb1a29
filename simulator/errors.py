"""What can go wrong with a city, in one small tree. Messages are one line and say what to do."""

from __future__ import annotations


class CityError(Exception):
    """Base: a city cannot be made, loaded or played."""


class MeshesMissing(CityError):  # noqa: N818
    """The vehicle meshes are not installed and could not be fetched."""


class RendererMissing(CityError):  # noqa: N818
    """No OpenGL (EGL, Mesa) to draw with."""


class PlaceError(CityError):
    """A place's description is not usable."""


class CityDamaged(CityError):  # noqa: N818
    """A rendered city's files are missing or differ from what was frozen."""


class DatasetError(CityError):
    """A data set cannot be planned, made, gone on with or read."""
