"""The table of docs/toolbox.md has a row for every method, and the script that makes it changes what it is asked to."""

from __future__ import annotations

import sys

import pytest
from script_modules import load_script


@pytest.fixture(scope="module")
def script():
    return load_script("toolbox_table")


def test_every_method_has_a_row_in_the_order_of_the_script(script) -> None:
    page = script.PAGE.read_text(encoding="utf-8")
    order = [*script.without_training(), *script.architectures()]
    rows = script.read_table(page)
    assert list(rows) == order
    assert script.with_table(page, rows, order) == page


def test_rows_that_were_not_asked_for_stay(script, monkeypatch, tmp_path) -> None:
    page = tmp_path / "toolbox.md"
    page.write_text(script.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    before = script.read_table(page.read_text(encoding="utf-8"))
    asked: list[list[str]] = []

    def compared(where, methods, _vehicles):
        asked.append(list(methods))
        figures = {"rank1": 0.5, "mAP": 0.25, "ci95": {"rank1": [0.4, 0.6]}}
        return [{"method": name, "ms_per_image": 7.0, **figures} for name in methods]

    monkeypatch.setattr(script, "PAGE", page)
    monkeypatch.setattr(script, "compared", compared)
    sets = ["--city", str(tmp_path), "--pairs", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["toolbox_table.py", *sets, "--method", "gem"])
    script.main()
    after = script.read_table(page.read_text(encoding="utf-8"))
    assert asked == [["gem"], ["gem"]]
    assert after["gem"].figures == ("0.500 (0.40 to 0.60)", "0.250") * 2
    assert after["gem"].ms_per_image == before["gem"].ms_per_image
    assert {name for name in before if before[name] != after[name]} == {"gem"}
    monkeypatch.setattr(script, "exported", lambda wanted, _scratch: dict.fromkeys(wanted, "network"))
    monkeypatch.setattr(sys, "argv", ["toolbox_table.py", "--city", str(tmp_path), "--times"])
    script.main()
    timed = script.read_table(page.read_text(encoding="utf-8"))
    assert {row.ms_per_image for row in timed.values()} == {"7.0"}
    assert {name: row.figures for name, row in timed.items()} == {name: row.figures for name, row in after.items()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--city", "absent", "--times"], "no folder absent"),
        (["--city", ".", "--out", "runs"], "--pairs is needed"),
        (["--city", ".", "--pairs", "."], "--out is needed"),
        (["--city", ".", "--pairs", ".", "--method", "magic"], "no method 'magic'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_it_cannot_do_it_says(script, monkeypatch, capsys, words, said) -> None:
    monkeypatch.setattr(sys, "argv", ["toolbox_table.py", *words])
    with pytest.raises(SystemExit):
        script.main()
    assert said in capsys.readouterr().err
