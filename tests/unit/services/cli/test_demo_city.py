"""The demo refuses what it cannot play before it starts anything."""

import pytest
from typer.testing import CliRunner

from services.cli.main import app


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--city", "atlantis"], "no city 'atlantis'; known cities: demo"),
        (["--faults", "no-such-script.yaml"], "no-such-script.yaml"),
    ],
    ids=["unknown city", "missing script"],
)
def test_what_cannot_be_played_is_one_line(tmp_path, arguments, says):
    result = CliRunner().invoke(app, ["demo", "--once", *arguments, "--data-dir", str(tmp_path / "data")])

    assert result.exit_code == 1
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "data").exists()
