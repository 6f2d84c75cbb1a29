"""How large the parts of an embedding are. Owns the sizes and their file; reads only the one that comes with it."""

from __future__ import annotations

from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

PACKAGED = "components.yaml"


class Components(BaseModel):
    """Root mean square sizes of the parts; those of one picture add up in squares to about 1.

    The sum of the parts, scaled to unit length, is the embedding of one picture.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    common: float = Field(ge=0, le=1, description="What all vehicles share.")
    look: float = Field(ge=0, le=1, description="Centre of a model and colour.")
    vehicle: float = Field(gt=0, le=1, description="What tells a vehicle from others of its model and colour.")
    view: float = Field(ge=0, le=1, description="What a vehicle adds when seen from one side, in every camera.")
    camera: float = Field(ge=0, le=1, description="What a camera adds to all vehicles.")
    passage: float = Field(ge=0, le=1, description="What one passage adds to all its pictures: light, background.")
    picture: float = Field(gt=0, le=1, description="What one picture adds, at a usual quality.")
    dim: int = Field(ge=2, le=256, description="Directions in which vehicles differ, as if all counted alike.")
    same_look: float = Field(gt=0, le=1, description="Chance that two vehicles are of one model and colour.")


def packaged_components() -> Components:
    """The sizes that come with the product."""
    text = resources.files(__package__).joinpath(PACKAGED).read_text(encoding="utf-8")
    return parse_components(text, PACKAGED)


def parse_components(text: str, name: str) -> Components:
    """Reads sizes from YAML.

    Args:
        text: A mapping of the names above; a mapping ``about`` is for people and is passed over.
        name: What error messages call the file.

    Raises:
        ValueError: It is no such mapping, or a size is missing or outside its bounds; one line.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise ValueError(f"{name}: not YAML: {' '.join(str(exc).split())}") from exc
    if not isinstance(content, dict):
        raise ValueError(f"{name}: expected a mapping of sizes by name")
    content.pop("about", None)
    try:
        return Components(**content)
    except (TypeError, ValidationError) as exc:
        errors = exc.errors() if isinstance(exc, ValidationError) else []
        first = f"{errors[0]['loc'][0]}: {errors[0]['msg']}" if errors else str(exc)
        raise ValueError(f"{name}: {first}") from exc


def format_components(components: Components, about: dict[str, str | int | float]) -> str:
    """The text that :func:`parse_components` reads, with what people should know of it."""
    rounded = {k: round(v, 4) if isinstance(v, float) else v for k, v in components.model_dump().items()}
    return yaml.safe_dump({"about": about, **rounded}, sort_keys=False)
