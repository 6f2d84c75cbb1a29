"""Everything that stands still, grown from a place and its seed: streets, houses, plants, street furniture, people."""

from __future__ import annotations

import numpy as np

from simulator.place import Place
from simulator.renderer.surface import Mesh, MeshBuilder
from simulator.scenery.furniture import furnish
from simulator.scenery.houses import build_houses
from simulator.scenery.junctions import lay_junctions
from simulator.scenery.people import populate
from simulator.scenery.plants import plant
from simulator.scenery.site import Site
from simulator.scenery.streets import lay_ground, lay_streets
from simulator.scenery.water import fill_water

__all__ = ["build_scenery"]


def build_scenery(place: Place) -> Mesh:
    """The still mesh of a place, with its lamps.

    Every part has a random source of its own, so that a change to one leaves the others where they were.
    """
    site = Site(place, MeshBuilder())
    steps = (lay_ground, lay_streets, lay_junctions, fill_water, build_houses, plant, furnish, populate)
    for number, step in enumerate(steps):
        step(site, np.random.default_rng([place.spec.scenery_seed, number]))
    return site.builder.build()
