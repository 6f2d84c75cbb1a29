from __future__ import annotations

import pytest

from services.errors import InputError
from services.matcher.gallery import parse_position


def test_positions_compare_as_numbers() -> None:
    assert parse_position("9-9") < parse_position("9-10") < parse_position("10-0")


@pytest.mark.parametrize(
    "position", ["", "1", "-", "1-", "-1", "a-1", "1-b", "1-1-1", "\u0661-0", "9" * 20 + "-0", "0-" + "9" * 400]
)
def test_refused(position: str) -> None:
    with pytest.raises(InputError, match="min_log_position: expected"):
        parse_position(position, "min_log_position")
