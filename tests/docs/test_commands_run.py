"""Every documented command is run, on a small case, or by another test, or says why it is not (commands.yaml)."""

from __future__ import annotations

import re
import signal
import subprocess
import time
import webbrowser
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from documents import ROOT, Said, commands, guides, words
from typer.testing import CliRunner
from worlds import VREID, World, end

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
RULES = yaml.safe_load((Path(__file__).parent / "commands.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Case:
    """A command, where it stands first, and its rule."""

    said: Said
    rule: dict

    def __str__(self) -> str:
        return self.said.text


def rule_of(command: str) -> dict | None:
    return next((rule for rule in RULES if re.match(rule["match"], command)), None)


def distinct() -> list[Said]:
    """Every command once, wherever it stands first; what makes files for others goes first, what erases last."""
    found: dict[str, Said] = {}
    for path in guides():
        for said in commands(path):
            found.setdefault(said.text, said)
    return sorted(found.values(), key=lambda said: ("erase" in said.text) - ("simulate traffic" in said.text))


CASES = [Case(said, rule) for said in distinct() if (rule := rule_of(said.text)) is not None]
RUN = [case for case in CASES if "in" in case.rule and "until" not in case.rule]
STARTED = [case for case in CASES if "until" in case.rule]


def filled(command: str, rule: dict, world: World) -> str:
    """The command with its small substitutions."""
    for old, new in rule.get("swap", {}).items():
        command = command.replace(old, new)
    command = " ".join([command, rule.get("add", "")]).strip()
    known = world.words()
    return re.sub(r"\{(\w+)\}", lambda name: known[name[1]], command)


def test_every_command_has_a_rule() -> None:
    assert [str(said) for said in distinct() if rule_of(said.text) is None] == []


def test_every_rule_says_one_thing() -> None:
    for rule in RULES:
        assert len({"in", "tested", "reason"} & set(rule)) == 1, rule
    elsewhere = {case.rule["tested"] for case in CASES if "tested" in case.rule}
    assert [path for path in elsewhere if not (ROOT / path).is_file()] == []


def test_most_are_run_here() -> None:
    assert len(RUN) + len(STARTED) > 70


@pytest.mark.parametrize("case", RUN, ids=str)
def test_it_does_what_it_says(case: Case, request, monkeypatch) -> None:
    from services.cli.main import app

    world: World = request.getfixturevalue(case.rule["in"])
    monkeypatch.chdir(world.folder)
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    before = case.rule.get("before", {}).get(case.said.text)
    lines = [words(filled(before, {}, world))] if before else []
    lines.append(words(filled(case.said.text, case.rule, world)))
    for name, value in world.environment().items():
        monkeypatch.setenv(name, value)
    for line in lines:
        if case.rule.get("process"):
            done = subprocess.run([*VREID, *line[1:]], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            continue
        result = CliRunner().invoke(app, line[1:])
        raised = result.exception if not isinstance(result.exception, SystemExit) else None
        assert result.exit_code in case.rule.get("exits", [0]), f"{line}: {result.output} {raised!r}"
        assert case.rule.get("says", "") in result.output


@pytest.mark.parametrize("case", STARTED, ids=str)
def test_it_starts_and_ends(case: Case, request, tmp_path) -> None:
    world: World = request.getfixturevalue(case.rule["in"])
    line = words(filled(case.said.text, case.rule, world))[1:]
    said = tmp_path / "said"
    with said.open("wb") as out:
        process = subprocess.Popen([*VREID, *line], cwd=world.folder, env=world.environment(), stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 240
        until = case.rule["until"]
        while not (until in said.read_text() or (world.folder / until).is_file()):
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.3)
    finally:
        status = end(process)
    # Whom Ctrl-C ends before he minds it dies of the signal itself, which a shell calls 130 as well.
    assert status in (0, 130, -signal.SIGINT), said.read_text()
