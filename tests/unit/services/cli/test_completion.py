"""A shell is offered commands, options and the words that an option takes; it falls back to files for the rest."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from services.cli.main import app


def offered(*words: str) -> list[str]:
    """What Bash is offered for the last of these words."""
    said = {
        "_VREID_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("vreid", *words)),
        "COMP_CWORD": str(len(words)),
    }
    return CliRunner().invoke(app, [], env=said, prog_name="vreid").stdout.split()


def test_every_command_of_the_gallery_is_offered() -> None:
    wanted = "add import export list show stats update delete erase snapshot restore compact doctor"
    assert set(offered("gallery", "")) == set(wanted.split())
    assert offered("gallery", "comp") == ["compact"]
    assert {"query", "verify", "watch", "gallery"} <= set(offered(""))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("gallery", "add", "x.jpg", "--colour", "gre"), ["grey", "green"]),
        (("gallery", "add", "x.jpg", "--class", ""), ["car", "motorcycle", "bus", "truck"]),
        (("gallery", "update", "s", "--class", "t"), ["truck"]),
        (("query", "x.jpg", "--colour", "w"), ["white"]),
        (("query", "x.jpg", "--class", "b"), ["bus"]),
        (("query", "x.jpg", "--rerank", "geo"), ["geometric"]),
        (("gallery", "doctor", "--f"), ["--fix"]),
    ],
)
def test_words_are_offered(words: tuple[str, ...], expected: list[str]) -> None:
    assert offered(*words) == expected
