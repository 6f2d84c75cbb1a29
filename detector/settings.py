"""What can be set about the detector. Holds values and their bounds, never a model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from detector.types import VehicleClass

InputSide = Annotated[int, Field(ge=64, le=2048, multiple_of=32)]
ClassName = Literal["car", "motorcycle", "bus", "truck"]


class DetectorSettings(BaseModel):
    """How vehicles are looked for in a frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(default="vreid-yolov8n", min_length=1, description="Name of the detector in the model manifest.")
    input_width_px: int = Field(
        default=512, ge=64, le=2048, multiple_of=32, description="Width of the network input; frames are letterboxed."
    )
    input_height_px: int = Field(
        default=288, ge=64, le=2048, multiple_of=32, description="Height of the network input; frames are letterboxed."
    )
    larger_sizes: tuple[tuple[InputSide, InputSide], ...] = Field(
        default=((640, 384),),
        max_length=4,
        description="Widths and heights that a live camera's frames may be looked at in instead, where measuring shows "
        "many small vehicles there and the machine has time; [] keeps every camera at the size above. A camera's own "
        "`input_size` goes first.",
    )
    precision: Literal["auto", "fp32", "int8"] = Field(
        default="auto",
        description="Arithmetic of the network: auto takes INT8 where `vreid models fetch` made it, FP32 elsewhere.",
    )
    confidence: float = Field(
        default=0.1,
        ge=0.01,
        lt=1.0,
        description="Boxes below this score are dropped. Low on purpose: weak boxes keep the tracker's tracks alive.",
    )
    iou: float = Field(
        default=0.7, gt=0.0, le=1.0, description="Of two boxes of one class that overlap more, the weaker is dropped."
    )
    cross_class_iou: float = Field(
        default=0.8,
        gt=0.0,
        le=1.0,
        description="Of two boxes of different classes that overlap more, the weaker is dropped: one vehicle seen as "
        "both car and truck. 1 keeps both.",
    )
    classes: tuple[ClassName, ...] = Field(
        default=("car", "motorcycle", "bus", "truck"), min_length=1, description="Vehicle classes to look for."
    )
    max_detections: int = Field(default=100, ge=1, le=1000, description="Most vehicles kept per frame, best first.")
    max_batch: int = Field(default=4, ge=1, le=64, description="Most frames in one inference.")
    threads: int | None = Field(
        default=None, ge=1, le=256, description="Inference threads; none leaves the choice to the runtime."
    )

    @property
    def input_hw(self) -> tuple[int, int]:
        """Network input height and width in pixels."""
        return self.input_height_px, self.input_width_px

    @property
    def class_ids(self) -> tuple[int, ...]:
        """COCO ids of ``classes``, ascending."""
        return tuple(sorted(int(VehicleClass[name.upper()]) for name in set(self.classes)))
