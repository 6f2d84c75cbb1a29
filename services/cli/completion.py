"""What a shell may offer after an option, where it is one of a few words. Asks nobody: completion must be fast."""

from __future__ import annotations

from detector.types import COLOURS, VehicleClass


def class_names(incomplete: str) -> list[str]:
    """Classes that begin so.

    >>> class_names("b")
    ['bus']
    """
    return [kind.name.lower() for kind in VehicleClass if kind.name.lower().startswith(incomplete)]


def colour_names(incomplete: str) -> list[str]:
    """Colours that begin so.

    >>> colour_names("gre")
    ['grey', 'green']
    """
    return [name for name in COLOURS if name.startswith(incomplete)]
