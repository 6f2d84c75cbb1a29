"""The body models of the city: where each mesh lies, what of it is painted, how long it is, what it may carry.

A table and nothing else; geometry is read by renderer.vehicle_mesh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VehicleKind = Literal["car", "bus", "truck"]


@dataclass(frozen=True, slots=True)
class RoofAnchor:
    """The part of a roof that carries a rack or box, in fractions of the body's length, 0 = rear end, 1 = front end.

    Attributes:
        rear: Where the load may begin.
        front: Where it must end.
    """

    rear: float
    front: float


@dataclass(frozen=True, slots=True)
class BodyModel:
    """One body.

    Attributes:
        name: Short name used in truth and labels.
        archive: Archive of the mesh package.
        member: OBJ file in it.
        kind: Vehicle class.
        length_m: True length; the mesh is scaled to it.
        paint: Material names (regular expressions, full match) that take the body colour.
        panel: Materials that take the second colour and carry lettering: containers, trailers, bus flanks.
        hidden: Materials left out: interiors behind windows that are drawn opaque.
        keep: Materials never simplified: sheets so close to each other that they would cross.
        roof: Where a load can be put, if anywhere.
        weight: How often it is drawn, relative to others.
    """

    name: str
    archive: str
    member: str
    kind: VehicleKind
    length_m: float
    paint: tuple[str, ...]
    panel: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    roof: RoofAnchor | None = None
    weight: float = 1.0


_MODELS = (
    BodyModel(
        "focus",
        "BlendSwap-CC-BY",
        "blendswap-cc-by/fordFocus/fordFocus.obj",
        "car",
        4.36,
        ("carPaint",),
        keep=("carPaint",),
        roof=RoofAnchor(0.18, 0.55),
        weight=4,
    ),
    BodyModel(
        "sedan01a",
        "KatorLegaz",
        "katorlegaz/concept-sedan-01v1/concept-sedan-01v1.obj",
        "car",
        4.71,
        ("Car",),
        hidden=("Interior",),
        weight=0.6,
    ),
    BodyModel(
        "sedan01b",
        "KatorLegaz",
        "katorlegaz/concept-sedan-01v2/concept-sedan-01v2.obj",
        "car",
        4.56,
        ("Car",),
        hidden=("Interior",),
        weight=0.6,
    ),
    BodyModel(
        "sedan02",
        "KatorLegaz",
        "katorlegaz/concept-sedan-02/concept-sedan-02.obj",
        "car",
        4.4,
        ("PAINT.*",),
        hidden=("CAR_interior.*",),
        weight=1,
    ),
    BodyModel(
        "sedan02s",
        "KatorLegaz",
        "katorlegaz/concept-sedan-02-sport/concept-sedan-02-sport.obj",
        "car",
        4.25,
        ("PAINT.*",),
        hidden=("CAR_interior.*",),
        weight=0.8,
    ),
    BodyModel(
        "beetle",
        "KatorLegaz",
        "katorlegaz/VW-new-beetle/VW-new-beetle.obj",
        "car",
        4.09,
        ("PAINT_yellow",),
        hidden=("CAR_interior.*",),
        weight=1.2,
    ),
    BodyModel(
        "leon",
        "Scopia",
        "scopia/seat_leon/seat_leon.obj",
        "car",
        4.2,
        ("chapa.*",),
        hidden=("asientos",),
        roof=RoofAnchor(0.2, 0.55),
        weight=4,
    ),
    BodyModel("p308", "Scopia", "scopia/peugeot-308/peugeot-308.obj", "car", 4.44, ("color-exterior",), weight=0.7),
    BodyModel(
        "scenic",
        "Scopia",
        "scopia/renault-scenic/renault-scenic.obj",
        "car",
        4.26,
        ("color-beige.*",),
        roof=RoofAnchor(0.12, 0.5),
        weight=3,
    ),
    BodyModel(
        "suv",
        "Scopia",
        "scopia/suv/suv.obj",
        "car",
        4.63,
        ("firstcolor",),
        roof=RoofAnchor(0.14, 0.52),
        weight=4,
    ),
    BodyModel("chevrolet", "Scopia", "scopia/chevrolet/chevrolet.obj", "car", 4.46, ("firstcolor",), weight=0.7),
    BodyModel("smart", "Scopia", "scopia/smart-car/smart-car.obj", "car", 2.53, ("second-color",), weight=1.2),
    BodyModel(
        "van",
        "Scopia",
        "scopia/van/van.obj",
        "truck",
        5.96,
        ("firstcolor",),
        panel=("whiteglass",),
        roof=RoofAnchor(0.1, 0.6),
        weight=3,
    ),
    BodyModel(
        "truck",
        "Scopia",
        "scopia/truck/truck.obj",
        "truck",
        6.3,
        ("red-cabin",),
        panel=("white-container",),
        weight=1.2,
    ),
    BodyModel(
        "daf",
        "BlendSwap-CC-BY",
        "blendswap-cc-by/dafTruck/dafTruck.obj",
        "truck",
        16.5,
        ("Cabin",),
        panel=("Trailer", "Payload"),
        weight=0.4,
    ),
    BodyModel(
        "peterbilt",
        "BlendSwap-CC-0",
        "blendswap-cc-0/peterbilt/peterbilt.obj",
        "truck",
        21.0,
        ("body",),
        panel=("bodyTrailer", "metalTrailer"),
        weight=0.2,
    ),
    BodyModel("bus", "Scopia", "scopia/bus/bus.obj", "bus", 14.0, ("firstcolor",), weight=0.6),
    BodyModel(
        "citybus",
        "Scopia",
        "scopia/cityBus/cityBus.obj",
        "bus",
        12.2,
        ("accentColor",),
        panel=("whiteBase",),
        weight=0.8,
    ),
)

MODELS: dict[str, BodyModel] = {model.name: model for model in _MODELS}
