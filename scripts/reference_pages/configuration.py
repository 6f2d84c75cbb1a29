"""The configuration as one page and as a JSON Schema, both from the pydantic models that read it."""

from __future__ import annotations

import json
from typing import Any

from reference_pages.cells import cell

HEAD = """# Configuration

Every key of the configuration file, made from the models that read it. The file is YAML; every key is optional but a
camera's `id` and `url`; an unknown key is refused with its line. `VREID_SECTION__FIELD` in the environment overrides a
value (`VREID_MATCHER__LISTEN=127.0.0.1:50700`).

`vreid config check FILE` reads a file and says what is wrong with it. `vreid config schema` prints
[the JSON Schema](vreid.schema.json), with which an editor completes and checks while you type:

```yaml
# yaml-language-server: $schema=vreid.schema.json
site: north
```

"""

Schema = dict[str, Any]


def schema_text() -> str:
    """The JSON Schema as it is published."""
    from services.config import config_schema

    return json.dumps(config_schema(), indent=2) + "\n"


def page() -> str:
    """The page's Markdown."""
    from services.config import config_schema

    schema = config_schema()
    definitions: dict[str, Schema] = schema["$defs"]
    lines = [HEAD + "## Top level", ""]
    lines += _table(schema["properties"], definitions, "")
    for name, field in schema["properties"].items():
        model = _model_of(field, definitions)
        if model is not None:
            lines += _section(f"{name}[]" if field.get("type") == "array" else name, model, definitions)
    return "\n".join(lines)


def _section(path: str, model: Schema, definitions: dict[str, Schema]) -> list[str]:
    """A heading, a table, and the sections below."""
    lines = [f"## {path}", "", *model.get("description", "").splitlines(), ""]
    lines += _table(model["properties"], definitions, path)
    for name, field in model["properties"].items():
        below = _model_of(field, definitions)
        if below is not None:
            lines += _section(f"{path}.{name}", below, definitions)
    return lines


def _table(fields: dict[str, Schema], definitions: dict[str, Schema], path: str) -> list[str]:
    lines = ["| Key | Value | Default | Meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        below = _model_of(field, definitions)
        if below is not None:
            place = f"{path}.{name}" if path else name + ("[]" if field.get("type") == "array" else "")
            anchor = place.replace(".", "").replace("[]", "").lower()
            meaning = field.get("description") or below.get("description", "")
            lines.append(f"| `{name}` | [section](#{anchor}) | | {cell(meaning)} |")
            continue
        meaning = field.get("description", "")
        lines.append(f"| `{name}` | {_kind(field, definitions)} | {_default(field)} | {cell(meaning)} |")
    return [*lines, ""]


def _model_of(field: Schema, definitions: dict[str, Schema]) -> Schema | None:
    """The model that a field holds, alone, as an item, as a value or as one of its forms; None for plain values."""
    name = str(field.get("$ref", "")).rpartition("/")[2]
    if name:
        return definitions[name] if "properties" in definitions[name] else None
    below = [field.get("items"), field.get("additionalProperties")]
    for key in ("anyOf", "allOf", "oneOf", "prefixItems"):
        below += field.get(key, ())
    found = (_model_of(each, definitions) for each in below if isinstance(each, dict))
    return next((each for each in found if each is not None), None)


def _kind(field: Schema, definitions: dict[str, Schema]) -> str:
    """A value's type and bounds in words."""
    if "$ref" in field:
        return _kind(definitions[str(field["$ref"]).rpartition("/")[2]], definitions)
    if "anyOf" in field:
        return " or ".join(_kind(each, definitions) for each in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    kind = str(field.get("type", "any"))
    if kind == "array":
        inner = field.get("items") or (field.get("prefixItems") or [{}])[0]
        return f"list of {_kind(inner, definitions)}"
    words = {"string": "text", "integer": "whole number", "boolean": "`true`, `false`", "object": "keys and values"}
    bounds = _bounds(field)
    return " ".join([words.get(kind, kind), bounds]).strip()


def _bounds(field: Schema) -> str:
    parts = [
        f"{sign} {_number(field[key])}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if key in field
    ]
    if "multipleOf" in field:
        parts.append(f"multiple of {_number(field['multipleOf'])}")
    if "pattern" in field:
        parts.append("`" + str(field["pattern"]).replace("|", "\\|") + "`")
    return ", ".join(parts)


def _number(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e5 else f"{value:,.0f}".replace(",", " ")


def _default(field: Schema) -> str:
    if "default" not in field:
        return "required"
    value = field["default"]
    if value is None:
        return "unset"
    if value in ([], {}, ""):
        return "none"
    return "`" + (value if isinstance(value, str) else json.dumps(value)) + "`"
