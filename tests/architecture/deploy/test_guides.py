"""What the guides tell a reader to type exists: commands with their options, files, services, values."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from services.cli.main import app

ROOT = Path(__file__).resolve().parents[3]
GUIDES = ("deploy.md", "backup.md", "upgrade.md")
#: Built beside these guides.
ELSEWHERE = {("models", "roll"), ("token", "new")}


def lines(name: str) -> list[str]:
    """Lines of code blocks, continued lines joined, and inline code."""
    text = (ROOT / "docs" / name).read_text()
    blocks = re.findall(r"^```(?:\w*)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    inline = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines()] + inline


def commands(name: str) -> list[list[str]]:
    found = []
    for line in lines(name):
        match = re.search(r"(?:^|\s|/bin/)vreid ([a-z].*)", line.split(" #")[0])
        if match is not None and not re.match(r"(useradd|chown|install|helm|cp) ", line.strip()):
            words = shlex.split(match[1].split("`")[0])
            found.append(words[: words.index("&&")] if "&&" in words else words)
    return found


def wrong(words: list[str]) -> str:
    """What does not exist of a command; empty where all does."""
    here = get_command(app)
    while hasattr(here, "commands") and words:
        if words[0] not in here.commands:
            return f"no command {words[0]}"
        here, words = here.commands[words[0]], words[1:]
    known = {option for parameter in here.params for option in parameter.opts} | {"--help"}
    return ", ".join(word for word in words if word.startswith("--") and word not in known)


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_exists_with_its_options(name):
    found = [words for words in commands(name) if tuple(words[:2]) not in ELSEWHERE]
    assert found
    assert {" ".join(words): wrong(words) for words in found if wrong(words)} == {}


@pytest.mark.parametrize("name", GUIDES)
def test_every_file_of_ours_exists(name):
    text = (ROOT / "docs" / name).read_text()
    named = set(re.findall(r"(?:deploy|scripts|tests)/[\w./-]+\w", text))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def test_values_shown_are_values_of_the_chart():
    text = (ROOT / "docs" / "deploy.md").read_text()
    block = next(b for b in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL) if b.startswith("# values.yaml"))
    shown, known = yaml.safe_load(block), yaml.safe_load((ROOT / "deploy/helm/vreid/values.yaml").read_text())
    for section, values in shown.items():
        assert section in known
        if isinstance(values, dict) and section != "config":
            assert set(values) <= set(known[section]), section


def test_a_command_that_is_not_there_is_found():
    assert wrong(["backup", "creat"]) == "no command creat"
    assert wrong(["backup", "create", "--too"]) == "--too"
