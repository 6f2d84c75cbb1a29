"""What a data set is made of: pictures with the vehicle and the camera they show. Reads no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of one vehicle.

    Attributes:
        path: Of the picture.
        domain: Name of the data set it is from.
        vehicle: Unique within the domain.
        camera: Unique within the domain, "" where the set does not tell.
        kind: Vehicle class, "" when not known.
        labels: What else the set says of the picture, by name (`colour`, `view`, `light`, …). No part of equality.
    """

    path: Path
    domain: str
    vehicle: str
    camera: str
    kind: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def identity(self) -> tuple[str, str]:
        """Unique across domains."""
        return (self.domain, self.vehicle)

    def label(self, name: str) -> str:
        """A label by name, `class`, `camera` and `vehicle` among them; "" when the picture has none of that name.

        >>> car = Sample(Path("a.jpg"), "city", "7", "c1", "car", {"view": "rear"})
        >>> car.label("class"), car.label("view"), car.label("light")
        ('car', 'rear', '')
        """
        own = {"class": self.kind, "camera": self.camera, "vehicle": self.vehicle}
        return own[name] if name in own else self.labels.get(name, "")


@dataclass(frozen=True, slots=True)
class DataSet:
    """The pictures of one folder whose names say what they show, those that do not, and vehicles with one picture."""

    samples: tuple[Sample, ...]
    unmatched: tuple[Path, ...] = ()
    singletons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReidSet:
    """A published data set with its parts.

    Attributes:
        name: Of the layout, and of the samples' domain.
        train: To learn from; may be empty.
        query: What is asked with; empty where the layout has one pool of test pictures.
        gallery: What is searched; the whole pool where there are no queries.
        tracks: Gallery pictures taken together, as indices into ``gallery``; empty where the set has none.
        unmatched: Pictures whose name does not tell vehicle and camera.
    """

    name: str
    train: tuple[Sample, ...]
    query: tuple[Sample, ...]
    gallery: tuple[Sample, ...]
    tracks: tuple[tuple[int, ...], ...] = ()
    unmatched: tuple[Path, ...] = ()

    @property
    def pool(self) -> tuple[Sample, ...]:
        """Every test picture once: the gallery, then the queries that are not in it."""
        known = {sample.path for sample in self.gallery}
        return self.gallery + tuple(sample for sample in self.query if sample.path not in known)


def relabel(samples: Iterable[Sample], domain: str) -> tuple[Sample, ...]:
    """The same pictures under another domain name."""
    return tuple(replace(sample, domain=domain) for sample in samples)
