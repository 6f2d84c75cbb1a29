"""The body models of the city: where each mesh lies, what of it is painted, how long it is, what it may carry.

A table and nothing else; geometry is read by renderer.vehicle_mesh.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VehicleKind = Literal["car", "bus", "truck", "motorcycle"]


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
class Seams:
    """Shut lines painted onto a body whose mesh has none.

    Attributes:
        doors: Upright lines, shares of the length from the nose, ascending.
        rows: Upper and lower end of the doors, shares of the height.
        bumper: Height of the bumpers' upper edge, share of the height.
    """

    doors: tuple[float, ...]
    rows: tuple[float, float]
    bumper: float


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a rider sits, in metres in the body's frame (y up, z towards the nose).

    Attributes:
        hip: Height and z of the hips.
        hand: Height and z of the grips.
        foot: Height and z of the foot rests.
        grip_m: Half the distance between the grips.
    """

    hip: tuple[float, float]
    hand: tuple[float, float]
    foot: tuple[float, float]
    grip_m: float


@dataclass(frozen=True, slots=True)
class Shape:
    """How a body is bent into another of its kind, as factors on what its maker made.

    Attributes:
        width: Of the whole.
        front: Length before the front wheels.
        rear: Length behind the rear wheels.
        wheelbase: Length between the wheels.
        waist: Height from the wheels' top to the windows.
        windows: Height of the windows.
        rake: How far the roof is moved towards the nose, share of the length.
        taper: How much narrower the roof is, share of the width.
        slopes: How far the ends of nose and tail are raised, shares of the height.
    """

    width: float
    front: float
    rear: float
    wheelbase: float
    waist: float
    windows: float
    rake: float
    taper: float
    slopes: tuple[float, float]


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
        hidden: Materials left out: interiors behind windows that are drawn opaque, plates, makers' badges.
        keep: Materials never simplified: sheets so close to each other that they would cross.
        lamps: Materials that are lamps whatever their name says.
        smooth: Materials whose normals are worked out anew, because the file's show every facet.
        roof: Where a load can be put, if anywhere.
        loads: What it may carry there.
        plates_m: Heights of the middle of the front and rear plate; None: it has none at that end.
        panelled: The second colour covers the walls of a van: its paint or dark glass.
        seams: Shut lines to paint, if the mesh has none.
        seat: Where its rider sits, if it has one.
        backwards: The mesh file's nose points towards -z.
        weight: How often it is drawn, relative to others.
        shape: How the mesh is bent; None: as it was made.
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
    lamps: tuple[str, ...] = ()
    smooth: tuple[str, ...] = ()
    roof: RoofAnchor | None = None
    loads: tuple[str, ...] = ()
    plates_m: tuple[float | None, float | None] = (0.45, 0.75)
    panelled: bool = False
    seams: Seams | None = None
    seat: Seat | None = None
    backwards: bool = False
    weight: float = 1.0
    shape: Shape | None = None


_SIGNS = ("taxi", "school", "antenna")
_CAR_LOADS = ("rack", "box_black", "box_white", "box_grey", *_SIGNS)
_VAN_LOADS = ("ladder", "rack", "beacon", "antenna")
_CASES = ("case_black", "case_white", "case_red")
_MODELS = (
    BodyModel(
        "focus",
        "BlendSwap-CC-BY",
        "blendswap-cc-by/fordFocus/fordFocus.obj",
        "car",
        4.36,
        ("carPaint",),
        keep=("carPaint",),
        roof=RoofAnchor(0.24, 0.58),
        loads=_CAR_LOADS,
        plates_m=(0.46, 0.72),
        weight=2.5,
    ),
    BodyModel(
        "sedan01a",
        "KatorLegaz",
        "katorlegaz/concept-sedan-01v1/concept-sedan-01v1.obj",
        "car",
        4.71,
        ("Car",),
        hidden=("Interior",),
        keep=("Car", "Glass", "Black_matte"),
        smooth=("Car",),
        plates_m=(0.38, 0.5),
        weight=1,
    ),
    BodyModel(
        "sedan01b",
        "KatorLegaz",
        "katorlegaz/concept-sedan-01v2/concept-sedan-01v2.obj",
        "car",
        4.56,
        ("Car",),
        hidden=("Interior",),
        keep=("Car", "Glass", "Black_matte"),
        smooth=("Car",),
        plates_m=(0.38, 0.5),
        weight=1,
    ),
    BodyModel(
        "sedan02",
        "KatorLegaz",
        "katorlegaz/concept-sedan-02/concept-sedan-02.obj",
        "car",
        4.4,
        ("PAINT.*",),
        hidden=("CAR_interior.*", "IMAGE_license_plate"),
        lamps=("GLASS_brake.*", "GLASS_turn.*", "GLASS"),
        roof=RoofAnchor(0.36, 0.58),
        loads=_CAR_LOADS,
        plates_m=(0.38, 0.55),
        weight=1.2,
    ),
    BodyModel(
        "sedan02s",
        "KatorLegaz",
        "katorlegaz/concept-sedan-02-sport/concept-sedan-02-sport.obj",
        "car",
        4.25,
        ("PAINT.*",),
        hidden=("CAR_interior.*", "IMAGE_license_plate"),
        lamps=("GLASS_brake.*", "GLASS_turn.*", "GLASS"),
        roof=RoofAnchor(0.36, 0.58),
        loads=_SIGNS,
        plates_m=(0.41, 0.62),
        weight=1.2,
    ),
    BodyModel(
        "beetle",
        "KatorLegaz",
        "katorlegaz/VW-new-beetle/VW-new-beetle.obj",
        "car",
        4.09,
        ("PAINT_yellow",),
        hidden=("CAR_interior.*", "IMAGE_license_plate"),
        lamps=("GLASS_brake.*", "GLASS_turn.*", "GLASS_parking.*", "GLASS_lens", "GLASS"),
        roof=RoofAnchor(0.4, 0.58),
        loads=_SIGNS,
        plates_m=(0.5, 0.62),
        weight=1.2,
    ),
    BodyModel(
        "leon",
        "Scopia",
        "scopia/seat_leon/seat_leon.obj",
        "car",
        4.2,
        ("chapa.*",),
        hidden=("asientos", "marca"),
        roof=RoofAnchor(0.25, 0.58),
        loads=_CAR_LOADS,
        plates_m=(0.42, 0.72),
        seams=Seams((0.31, 0.52, 0.69), (0.6, 0.24), 0.42),
        weight=2.5,
    ),
    BodyModel(
        "p308",
        "Scopia",
        "scopia/peugeot-308/peugeot-308.obj",
        "car",
        4.44,
        ("color-exterior",),
        hidden=("car-number", "brand"),
        smooth=("color-exterior",),
        plates_m=(0.35, 0.75),
        weight=1.5,
    ),
    BodyModel(
        "scenic",
        "Scopia",
        "scopia/renault-scenic/renault-scenic.obj",
        "car",
        4.26,
        ("color-beige.*",),
        roof=RoofAnchor(0.2, 0.58),
        hidden=("plate",),
        loads=_CAR_LOADS,
        plates_m=(0.5, 0.62),
        weight=2.2,
    ),
    BodyModel(
        "suv",
        "Scopia",
        "scopia/suv/suv.obj",
        "car",
        4.63,
        ("firstcolor",),
        roof=RoofAnchor(0.18, 0.55),
        loads=_CAR_LOADS,
        plates_m=(0.55, 0.855),
        weight=2.5,
    ),
    BodyModel(
        "chevrolet",
        "Scopia",
        "scopia/chevrolet/chevrolet.obj",
        "car",
        4.46,
        ("firstcolor",),
        plates_m=(0.33, 0.58),
        lamps=("glassfocus",),
        weight=1.4,
    ),
    BodyModel(
        "smart",
        "Scopia",
        "scopia/smart-car/smart-car.obj",
        "car",
        2.53,
        ("second-color",),
        hidden=("brand",),
        plates_m=(0.385, 0.835),
        roof=RoofAnchor(0.2, 0.45),
        loads=_SIGNS,
        weight=1.2,
    ),
    BodyModel(
        "van",
        "Scopia",
        "scopia/van/van.obj",
        "truck",
        5.96,
        ("firstcolor",),
        panel=("whiteglass",),
        roof=RoofAnchor(0.1, 0.6),
        loads=_VAN_LOADS,
        plates_m=(0.425, 0.6),
        panelled=True,
        weight=2.2,
    ),
    BodyModel(
        "truck",
        "Scopia",
        "scopia/truck/truck.obj",
        "truck",
        6.3,
        ("red-cabin",),
        panel=("white-container",),
        plates_m=(0.75, 0.85),
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
        plates_m=(0.45, 0.9),
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
        plates_m=(0.55, 0.9),
        weight=0.2,
    ),
    BodyModel("bus", "Scopia", "scopia/bus/bus.obj", "bus", 14.0, ("firstcolor",), plates_m=(0.57, 0.62), weight=0.6),
    BodyModel(
        "citybus",
        "Scopia",
        "scopia/cityBus/cityBus.obj",
        "bus",
        12.2,
        ("accentColor",),
        panel=("whiteBase",),
        plates_m=(0.41, 0.82),
        weight=0.7,
    ),
    BodyModel(
        "sportbike",
        "Scopia",
        "scopia/yamaha-yzr-r6/yamaha-yzr-r6.obj",
        "motorcycle",
        2.04,
        ("red-color-front", "tap"),
        lamps=("front-lights", "lights"),
        roof=RoofAnchor(0.05, 0.22),
        loads=_CASES,
        plates_m=(None, 0.6),
        seat=Seat((0.88, -0.32), (0.92, 0.38), (0.38, -0.25), 0.3),
        weight=0.8,
    ),
    BodyModel(
        "scooter",
        "Scopia",
        "scopia/scooter2/scooter2.obj",
        "motorcycle",
        1.85,
        ("firstcolor",),
        roof=RoofAnchor(0.05, 0.22),
        loads=_CASES,
        plates_m=(None, 0.6),
        seat=Seat((0.84, -0.28), (1.0, 0.35), (0.34, 0.15), 0.3),
        weight=0.7,
    ),
    BodyModel(
        "vintage",
        "KatorLegaz",
        "katorlegaz/scooter/scooter.obj",
        "motorcycle",
        1.8,
        ("Yellow",),
        lamps=("Glass", "Reflector"),
        roof=RoofAnchor(0.05, 0.22),
        loads=_CASES,
        plates_m=(None, 0.5),
        seat=Seat((0.8, -0.28), (0.95, 0.35), (0.32, 0.15), 0.28),
        backwards=True,
        weight=0.5,
    ),
)

MODELS: dict[str, BodyModel] = {model.name: model for model in _MODELS}
