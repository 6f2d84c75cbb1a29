"""The loss that CONTRIBUTING shows: one file and one line, and it trains."""

from pathlib import Path

import pytest
import torch

from reid.objective import METRIC_LOSSES, ObjectiveSettings

GUIDE = Path(__file__).resolve().parents[4] / "CONTRIBUTING.md"
LABELS = [0, 0, 0, 1, 1, 2]


@pytest.fixture
def centre(monkeypatch):
    """The example's file, and its line in the table."""
    example = GUIDE.read_text(encoding="utf-8").split("# reid/losses/centre.py\n")[1].split("```")[0]
    file, line = example.split("# reid/objective.py\n")
    module: dict = {}
    exec(compile(file, "reid/losses/centre.py", "exec"), module)
    ((name, made),) = eval(f"{{{line.strip()}}}", module).items()
    monkeypatch.setitem(METRIC_LOSSES, name, made)
    return module["centre_loss"]


def features() -> torch.Tensor:
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_it_equals_its_formula_and_has_its_gradient(centre):
    rows = features()
    f = rows.tolist()
    for i, found in enumerate(centre(rows, torch.tensor(LABELS)).tolist()):
        own = [f[j] for j in range(6) if LABELS[j] == LABELS[i]]
        mean = [sum(column) / len(own) for column in zip(*own, strict=True)]
        assert found == pytest.approx(sum((a - b) ** 2 for a, b in zip(f[i], mean, strict=True)), abs=1e-9)
    assert torch.autograd.gradcheck(lambda x: centre(x, torch.tensor(LABELS)), (rows.requires_grad_(True),))


@pytest.mark.usefixtures("centre")
def test_its_line_makes_it_of_settings():
    term = ObjectiveSettings(metric="centre").build()(features(), torch.tensor(LABELS), torch.Generator())
    assert term.loss > 0
    assert term.active == pytest.approx(5 / 6)
