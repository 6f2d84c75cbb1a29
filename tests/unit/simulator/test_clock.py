import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.clock import TRUE_CLOCK, CameraClock, matching, merge, parse_clock
from simulator.errors import CityError

CAMERAS = ["north", "north-2", "bridge"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("north=+5", ("north", CameraClock(5.0))),
        ("north=-0.25", ("north", CameraClock(-0.25))),
        ("north=drift:40", ("north", CameraClock(drift_ppm=40.0))),
        ("*=drift:-12.5", ("*", CameraClock(drift_ppm=-12.5))),
        ("north=step:5@60", ("north", CameraClock(steps=((60.0, 5.0),)))),
        ("north=step:-5@0.5", ("north", CameraClock(steps=((0.5, -5.0),)))),
    ],
)
def test_each_form(text, expected):
    assert parse_clock(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "north",
        "north=",
        "=5",
        "north=five",
        "north=drift:",
        "north=step:5",
        "north=step:5@",
        "north=step:5@6@7",
        "north=skew:5",
        "north=:5",
        "north=nan",
        "north=drift:inf",
        "north=5@60",
        "north=drift:200000",
    ],
)
def test_what_is_none_of_them_is_one_line(text):
    with pytest.raises(CityError) as caught:
        parse_clock(text)
    assert "\n" not in str(caught.value)


def test_errors_of_one_camera_add_up_and_patterns_spread():
    texts = ["north=2", "north*=drift:40", "north=step:1@90", "north=step:-3@30", "*=0.5"]
    assert merge(map(parse_clock, texts), CAMERAS) == {
        "north": CameraClock(2.5, 40.0, ((30.0, -3.0), (90.0, 1.0))),
        "north-2": CameraClock(0.5, 40.0),
        "bridge": CameraClock(0.5),
    }
    assert merge([], CAMERAS) == {}


def test_an_unknown_camera_is_named_with_those_that_exist():
    with pytest.raises(CityError, match=r"no camera 'nroth'; the city has north, north-2, bridge"):
        merge([parse_clock("nroth=5")], CAMERAS)
    assert matching("north-?", CAMERAS) == ["north-2"]


CLOCKS = st.builds(
    CameraClock,
    st.floats(-100, 100),
    st.floats(-1000, 1000),
    st.lists(st.tuples(st.floats(0, 100), st.floats(-10, 10)), max_size=3).map(tuple),
)


@given(CLOCKS, CLOCKS, st.floats(0, 1000))
def test_a_merged_clock_is_wrong_by_the_sum(one, other, true_s):
    assert one.merged(other).error_s(true_s) == pytest.approx(one.error_s(true_s) + other.error_s(true_s))
    assert one.merged(TRUE_CLOCK).error_s(true_s) == pytest.approx(one.error_s(true_s))
