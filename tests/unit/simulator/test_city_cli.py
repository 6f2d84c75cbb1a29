"""``vreid simulate``: bad input is one line on stderr and a non-zero exit, and writes nothing."""

import pytest
from typer.testing import CliRunner

from services.cli.simulate import app
from simulator.place import Place
from simulator.splits import TRAIN


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["render", "--seed", "900200", "--place", "atlantis"], "no place 'atlantis'; known places: corridor"),
        (["render", "--seed", "900200", "--place", "oldtown"], "belongs to the training split"),
        (["dataset", "--train", "700", "--test", "77"], "numbers 1 to 776 vehicles, the plan asks for 777"),
    ],
)
def test_bad_input_is_one_line(tmp_path, arguments, says):
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "out")])

    assert result.exit_code == 1
    assert says in result.stderr
    assert result.stderr.strip().splitlines()[-1].startswith("vreid: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["render", "dataset", "inspect"])
def test_every_option_has_help(command):
    result = CliRunner().invoke(app, [command, "--help"])

    assert result.exit_code == 0
    assert "--out" in result.output


def test_training_sets_fit_readers_of_veri():
    assert sum(len(Place.load(name).spec.cameras) for name in TRAIN.places) <= 20
