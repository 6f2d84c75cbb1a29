"""What can be set about privacy. Holds values and their bounds; opens no model."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class PlateSettings(BaseModel):
    """Whether and how number plates are made unreadable."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detector: str | None = Field(
        default=None,
        min_length=1,
        description="A YOLO detector of plates: a name of the manifest, or a .pt file with its hash. Unset: none is "
        "looked for, and pictures are stored no larger than the network's input.",
    )
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="Hash of the file; needed for one that is not in the manifest.",
    )
    confidence: float = Field(
        default=0.15,
        gt=0.0,
        lt=1.0,
        description="From which score a box is blurred. Low: a blur too many does no harm.",
    )
    margin: float = Field(default=0.15, ge=0.0, le=2.0, description="Blurred beyond the box, as a share of its side.")
    input_width_px: int = Field(default=416, ge=64, le=2048, multiple_of=32, description="Width of its input.")
    input_height_px: int = Field(default=416, ge=64, le=2048, multiple_of=32, description="Height of its input.")

    @model_validator(mode="after")
    def _file_has_hash(self) -> PlateSettings:
        if self.detector is not None and self.detector.endswith(".pt") and self.sha256 is None:
            raise ValueError("a detector that is a file needs its sha256: loading a .pt can run what it holds")
        return self


class PrivacySettings(BaseModel):
    """What is done to pictures before they are stored or shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plates: PlateSettings = Field(default_factory=PlateSettings)
