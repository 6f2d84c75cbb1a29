"""The whole configuration: one YAML file, overridable by ``VREID_SECTION__FIELD``, refused by key and line when wrong.

It only composes; each section's model lives beside the code that it configures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from detector.settings import DetectorSettings
from services.access.settings import AccessSettings
from services.client.credentials import ClientSettings
from services.errors import ConfigError
from services.identity.retention.settings import RetentionSettings
from services.identity.settings import RedisSettings
from services.ingest.cameras import CameraSettings
from services.ingest.settings import IngestSettings
from services.matcher.settings import MatcherSettings
from services.models.precisions import PrecisionChoice
from services.observability.settings import LoggingSettings, MetricsSettings, TracingSettings
from services.privacy.settings import PrivacySettings
from services.web.settings import WebSettings
from tracker.multi_camera.settings import AssociationSettings
from tracker.single_camera.settings import TrackerSettings

ENV_PREFIX = "VREID_"
ENV_SEPARATOR = "__"


class ReidSettings(BaseModel):
    """Which network embeds the crops."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(
        "vreid-mobilenetv2",
        description="Name of an embedder in the model manifest, or a checkpoint's file. What a site starts with: once "
        "`vreid models roll` has begun there, the store says which model it has.",
    )
    threads: int = Field(1, ge=1, le=64, description="CPU threads that embed crops.")
    precision: PrecisionChoice = Field(
        "auto", description="fp32, int8 (installed by `vreid models install`), or int8 only where it was faster."
    )
    reembed_per_s: float = Field(
        20.0, gt=0, le=10_000, description="Stored pictures described per second with a model that is being rolled out."
    )


class VreidConfig(BaseModel):
    """Everything that can be configured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site: str = Field("default", pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="Names the key space in Redis.")
    data_dir: Path = Field(Path("vreid-data"), description="Where everything that lasts is kept.")
    cameras: tuple[CameraSettings, ...] = Field((), description="Cameras known from the start.")
    redis: RedisSettings = Field(default_factory=RedisSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    detector: DetectorSettings = Field(default_factory=DetectorSettings)
    tracker: TrackerSettings = Field(default_factory=TrackerSettings)
    association: AssociationSettings = Field(default_factory=AssociationSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    matcher: MatcherSettings = Field(default_factory=MatcherSettings)
    reid: ReidSettings = Field(default_factory=ReidSettings)
    access: AccessSettings = Field(default_factory=AccessSettings)
    client: ClientSettings = Field(default_factory=ClientSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    metrics: MetricsSettings = Field(
        default_factory=MetricsSettings, description="Where Prometheus finds what each process counts."
    )
    logging: LoggingSettings = Field(default_factory=LoggingSettings, description="How the processes log.")
    tracing: TracingSettings = Field(default_factory=TracingSettings, description="Where traces go.")
    privacy: PrivacySettings = Field(default_factory=PrivacySettings)

    @field_validator("cameras")
    @classmethod
    def _camera_ids_differ(cls, cameras: tuple[CameraSettings, ...]) -> tuple[CameraSettings, ...]:
        seen: set[str] = set()
        for camera in cameras:
            if camera.id in seen:
                raise ValueError(f"camera id {camera.id!r} is given twice")
            seen.add(camera.id)
        return cameras


def load_config(path: Path | None) -> VreidConfig:
    """Reads a configuration file and the environment.

    Args:
        path: YAML file, or None for defaults and environment only.

    Raises:
        ConfigError: No such file, not YAML, an unknown key or a bad value; the message names file, line and key.
    """
    data: dict[str, Any] = {}
    node: yaml.Node | None = None
    if path is not None:
        data, node = _read_yaml(path)
    _apply_environment(data)
    try:
        return VreidConfig.model_validate(data)
    except ValidationError as exc:
        # A misspelt key is also a missing one: the first is the cause.
        error = min(exc.errors(), key=lambda each: each["type"] != "extra_forbidden")
        location = tuple(error["loc"])
        where = f"{path}:{_line_of(node, location)}: " if node is not None else ""
        key = ".".join(str(part) for part in location)
        what = "unknown key" if error["type"] == "extra_forbidden" else error["msg"]
        raise ConfigError(f"{where}{key}: {what}") from exc


def override_names() -> list[str]:
    """Variables of this process's environment that lie over a configuration file."""
    return sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and ENV_SEPARATOR in name)


def config_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a configuration file: what ``load_config`` takes, but for rules between fields."""
    schema = VreidConfig.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "vreid configuration"}


def dump_config(config: VreidConfig, path: Path) -> None:
    """Writes a configuration that ``load_config`` reads back, readable by its owner only, in one step."""
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        yaml.safe_dump(config.model_dump(mode="json"), file, sort_keys=False)
    temporary.replace(path)


def _read_yaml(path: Path) -> tuple[dict[str, Any], yaml.Node | None]:
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 text") from exc
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not valid YAML: {exc.problem}") from exc
    if data is None:
        return {}, node
    if not isinstance(data, dict):
        raise ConfigError(f"{path}:1: expected keys and values, found {type(data).__name__}")
    return data, node


def _apply_environment(data: dict[str, Any]) -> None:
    """Lays ``VREID_SECTION__FIELD`` over the file's values; values are read as YAML scalars."""
    for name in override_names():
        section, _, field = name.removeprefix(ENV_PREFIX).lower().partition(ENV_SEPARATOR)
        target = data.setdefault(section, {})
        if not isinstance(target, dict):
            raise ConfigError(f"{name}: section {section!r} is not a group of keys")
        target[field] = yaml.safe_load(os.environ[name])


def _line_of(node: yaml.Node | None, location: tuple[int | str, ...]) -> int:
    """Line (from 1) of the deepest part of ``location`` that stands in the file."""
    line = 1
    for part in location:
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in node.value:
                if key_node.value == str(part):
                    line, node = key_node.start_mark.line + 1, value_node
                    break
            else:
                break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
