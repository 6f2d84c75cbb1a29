"""Texts of the console: all go through one place, are listed for translators, and change with the language."""

from __future__ import annotations

import ast
import importlib.util
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
WEB = ROOT / "services" / "web"


def script():
    spec = importlib.util.spec_from_file_location("vreid_scripts_texts", ROOT / "scripts" / "texts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_catalogue_is_current():
    module = script()
    assert module.CATALOGUE.read_text("utf-8") == module.catalogue(), "run: python scripts/texts.py"


def test_texts_are_found_with_their_plurals():
    tree = ast.parse('_("a"); counted("{n} b", "{n} bs", n); other("c"); _(name)')
    assert set(script().texts(tree)) == {("a", ""), ("{n} b", "{n} bs")}


@pytest.mark.parametrize(
    "path", sorted([*(WEB / "pages").glob("*.py"), *(WEB / "parts").glob("*.py")]), ids=lambda p: p.stem
)
def test_no_text_is_shown_that_cannot_be_translated(path):
    shown = {"label", "button", "switch", "input", "select", "badge", "notify", "heading", "link", "number"}
    bare = [
        f"{path.name}:{node.lineno} {node.args[0].value!r}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")) in shown
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        and node.args[0].value not in {"", "vreid"}
    ]
    assert bare == []


def compiled(texts: dict[str, str]) -> bytes:
    """A catalogue as gettext reads it: magic, version, count, two tables, then the texts by name."""
    pairs = [(k.encode(), v.encode()) for k, v in sorted(texts.items())]
    head, at, body, tables = 28, 28 + 16 * len(pairs), b"", ([], [])
    for column in (0, 1):
        for pair in pairs:
            tables[column].append(struct.pack("<2I", len(pair[column]), at + len(body)))
            body += pair[column] + b"\0"
    return (
        struct.pack("<7I", 0x950412DE, 0, len(pairs), head, head + 8 * len(pairs), 0, 0)
        + b"".join([*tables[0], *tables[1]])
        + body
    )


def test_a_translation_is_taken_by_the_servers_language(tmp_path):
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    meta = "Content-Type: text/plain; charset=UTF-8\nLanguage: de\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
    texts = {"": meta, "Search": "Suche", "{n} alert\0{n} alerts": "{n} Alarm\0{n} Alarme"}
    (folder / "vreid.mo").write_bytes(compiled(texts))
    code = (
        "import gettext, pathlib; found = gettext.translation;"
        f"gettext.translation = lambda name, place, **more: found(name, {str(tmp_path)!r}, **more);"
        "from services.web.texts import LANGUAGE, _, counted;"
        "print(LANGUAGE, _('Search'), _('Cameras'), counted('{n} alert', '{n} alerts', 2))"
    )
    for language, said in (("de", "de Suche Cameras 2 Alarme"), ("fr", "en Search Cameras 2 alerts")):
        environment = os.environ | {"LANGUAGE": language, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == said
