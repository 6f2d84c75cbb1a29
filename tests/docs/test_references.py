"""docs/reference is what the code says, and the published schema takes what the reader takes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml
from documents import ROOT
from script_modules import load_script
from typer.testing import CliRunner

from services.cli.main import app
from services.config import VreidConfig, config_schema


@pytest.fixture(scope="module")
def references():
    return load_script("references")


def test_they_are_current() -> None:
    run = [sys.executable, ROOT / "scripts" / "references.py", "--check"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_old_page_is_seen(references, tmp_path) -> None:
    for name, text in references.pages().items():
        (tmp_path / name).write_text(text)
    assert references.stale(tmp_path) == []
    (tmp_path / "cli.md").write_text("# Command line\n")
    (tmp_path / "grpc.md").unlink()
    assert references.stale(tmp_path) == ["cli.md", "grpc.md"]


def test_all_of_the_contract_is_told(references) -> None:
    from services.rpc import vreid_pb2

    page = references.pages()["grpc.md"]
    file = vreid_pb2.DESCRIPTOR
    for service in file.services_by_name.values():
        assert f"### {service.name}\n" in page
        for call in service.methods:
            assert f"| `{call.name}` | " in page
    for message in file.message_types_by_name.values():
        section = page.split(f"### {message.name}\n")[1].split("\n### ")[0]
        assert [field.name for field in message.fields if f"| `{field.name}` | {field.number} |" not in section] == []
    for kind in file.enum_types_by_name.values():
        assert [value.name for value in kind.values if f"| `{value.name}` | {value.number} |" not in page] == []


def test_a_line_that_nobody_knows_is_refused(references, tmp_path) -> None:
    source = tmp_path / "a.proto"
    source.write_text('syntax = "proto3";\nmessage A {\n  group B = 1 {}\n}\n')
    with pytest.raises(ValueError, match="line 3: not understood"):
        references.protocol.page(source)


def test_every_key_is_told(references) -> None:
    page = references.pages()["configuration.md"]

    def keys(schema):
        for definition in schema["$defs"].values():
            yield from definition.get("properties", {})

    assert [key for key in {*VreidConfig.model_fields, *keys(config_schema())} if f"| `{key}` |" not in page] == []


def test_the_schema_is_printed_and_is_that_published() -> None:
    result = CliRunner().invoke(app, ["config", "schema"])
    assert result.exit_code == 0
    assert result.stdout == (ROOT / "docs/reference/vreid.schema.json").read_text(encoding="utf-8")
    schema = json.loads(result.stdout)
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(VreidConfig.model_fields)


def test_a_file_is_checked(tmp_path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(yaml.safe_dump({"cameras": [{"id": "gate", "url": "rtsp://user:secret@10.0.0.7/stream"}]}))
    bad.write_text("site: north\nmatcher:\n  lissten: 127.0.0.1:1\n")
    result = CliRunner().invoke(app, ["config", "check", str(good)])
    assert (result.exit_code, "fine" in result.output, "gate" in result.output) == (0, True, True)
    document = json.loads(CliRunner().invoke(app, ["config", "check", str(good), "--json"]).stdout)
    assert document["cameras"] == [{"id": "gate", "url": "rtsp://user:***@10.0.0.7/stream"}]
    result = CliRunner().invoke(app, ["config", "check", str(bad)])
    assert result.exit_code == 1
    assert "bad.yaml:3: matcher.lissten: unknown key" in str(result.exception)
