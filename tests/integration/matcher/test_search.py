from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from detector.types import VehicleClass
from services.client import SearchOptions
from services.errors import InputError, ModelMismatch, NotAnImage, NotFound, Unavailable
from services.matcher.types import Grouping, SearchFilter

RED = (0, 0, 250)
T0 = 1_700_000_000 * 1_000_000_000


def seen(answer) -> list[str]:
    return [match.sighting_id for match in answer.matches]


def test_by_picture_the_vehicle_is_cut_out(street, picture) -> None:
    answer = street.client.search_image(picture(RED))
    assert seen(answer)[:2] == ["red-1", "red-2"]
    assert len(answer.matches) == 4
    best = answer.matches[0]
    assert (best.identity_id, best.camera_id) == ("id-red", "north")
    assert (best.first_seen_ns, best.last_seen_ns) == (T0, T0 + 2 * 10**9)
    assert best.similarity == pytest.approx(1, abs=1e-3)
    assert best.probability == pytest.approx(1 / (1 + np.exp(-8)), abs=1e-3)
    assert best.evidence == {"appearance": pytest.approx(8)}
    assert answer.boxes_xyxy == ((20, 20, 44, 44),)
    assert street.embedder.shapes == [(26, 26, 3)]  # with a margin of 2 % on every side
    similarities = [match.similarity for match in answer.matches]
    assert similarities == sorted(similarities, reverse=True)


def test_a_sighting_without_a_decision_has_no_identity_yet(street, picture) -> None:
    assert street.client.search_image(picture((0, 250, 0))).matches[0].identity_id == ""


def test_a_vehicle_that_fills_the_picture_is_asked_both_ways(street, picture) -> None:
    answer = street.client.search_image(picture(RED, margin=10))
    assert answer.boxes_xyxy == ((10, 10, 54, 54),)
    assert street.embedder.shapes == [(46, 46, 3), (64, 64, 3)]
    assert seen(answer)[:2] == ["red-1", "red-2"]


def test_as_is_takes_the_whole_picture(street, picture) -> None:
    answer = street.client.search_image(picture(RED), as_is=True)
    assert answer.boxes_xyxy == (None,)
    assert street.embedder.shapes == [(64, 64, 3)]


def test_no_vehicle_in_the_picture_takes_all_of_it(street) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 16), (90, 90, 90)).save(buffer, "JPEG")
    assert street.client.search_image(buffer.getvalue()).boxes_xyxy == (None,)
    assert street.embedder.shapes == [(16, 32, 3)]


def test_a_weak_detection_is_not_the_vehicle_meant(street, picture) -> None:
    answer = street.client.search_image(picture(RED, margin=26))  # 12 of 64 px: score 0.19
    assert answer.boxes_xyxy == (None,)


def test_by_embedding_of_any_length(street) -> None:
    assert seen(street.client.search_embedding([-11.0, -11.0, 14.0]))[0] == "red-1"


def test_by_sighting_leaves_itself_out(street) -> None:
    found = seen(street.client.search_sighting("red-1"))
    assert found[0] == "red-2"
    assert set(found[1:]) == {"blue-1", "green-1"}


def test_by_identity_leaves_itself_out(street) -> None:
    assert set(seen(street.client.search_identity("id-red"))) == {"blue-1", "green-1"}


def test_grouped_by_identity(street, picture) -> None:
    answer = street.client.search_image(picture(RED), SearchOptions(grouping=Grouping.IDENTITY))
    assert [(m.identity_id, m.sighting_id) for m in answer.matches] == [("id-red", "red-1"), ("id-blue", "blue-1")]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (SearchFilter(camera_ids=frozenset({"south", "east"})), {"red-2", "green-1"}),
        (SearchFilter(camera_ids=frozenset({"nowhere"})), set()),
        (SearchFilter(exclude_camera_ids=frozenset({"north", "nowhere"})), {"red-2", "green-1"}),
        (SearchFilter(from_ns=T0 + 31 * 10**9), {"red-2", "blue-1", "green-1"}),
        (SearchFilter(to_ns=T0 + 30 * 10**9), {"red-1", "red-2"}),
        (SearchFilter(from_ns=T0 + 3 * 10**9, to_ns=T0 + 29 * 10**9), set()),
        (SearchFilter(classes=frozenset({VehicleClass.TRUCK})), {"blue-1"}),
        (SearchFilter(classes=frozenset({VehicleClass.CAR}), camera_ids=frozenset({"north"})), {"red-1"}),
    ],
    ids=["cameras", "unknown_camera", "not_cameras", "from", "to", "between", "class", "class_and_camera"],
)
def test_filters(street, wanted: SearchFilter, expected: set[str]) -> None:
    answer = street.client.search_embedding([0.0, 0.0, 1.0], SearchOptions(wanted=wanted))
    assert set(seen(answer)) == expected


def test_k_is_kept(street) -> None:
    assert len(street.client.search_embedding([0.0, 0.0, 1.0], SearchOptions(k=2)).matches) == 2


def test_a_sighting_is_found_by_the_mean_of_its_pictures(city) -> None:
    city.see("two-faced", (60, 0, 250), exemplars=[(0, 0, 250), (250, 250, 0)])
    city.see("plain", (30, 0, 250))
    city.settle()
    red = [float(x) for x in np.array([-110, -110, 140])]
    answer = city.client.search_embedding(red)
    assert seen(answer) == ["plain", "two-faced"]
    assert city.client.gallery_stats().vectors == 2


def test_an_empty_gallery_answers_nothing(city, picture) -> None:
    assert city.client.search_image(picture(RED)).matches == ()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda c: c.search_image(b""), NotAnImage, r"^probes\[0\]\.image: empty"),
        (lambda c: c.search_image(b"no picture"), NotAnImage, r"^probes\[0\]\.image: not a picture"),
        (lambda c: c.search_embedding([1.0, 2.0]), InputError, "embedding.values: expected 3 numbers, got 2"),
        (lambda c: c.search_embedding([0.0, 0.0, 0.0]), InputError, "must not be zero"),
        (lambda c: c.search_embedding([1.0, float("nan"), 0.0]), InputError, "finite"),
        (lambda c: c.search_embedding([1.0, float("inf"), 0.0]), InputError, "finite"),
        (lambda c: c.search_embedding([1.0, 0.0, 0.0], model_id="other"), ModelMismatch, "embedding.model_id"),
        (lambda c: c.search_sighting("nothing"), NotFound, "sighting_id: no sighting nothing"),
        (lambda c: c.search_identity("nothing"), NotFound, "identity_id: no identity nothing"),
        (lambda c: c.search_sighting(""), InputError, "sighting_id: missing"),
        (lambda c: c.search_sighting("red-1", SearchOptions(k=1001)), InputError, "k: must be in 1..1000"),
        (lambda c: c.search_sighting("red-1", SearchOptions(k=0)), InputError, "k: must be at least 1"),
        (
            lambda c: c.search_sighting("red-1", SearchOptions(min_log_position="soon")),
            InputError,
            "min_log_position: expected",
        ),
        (
            lambda c: c.search_sighting("red-1", SearchOptions(wanted=SearchFilter(from_ns=5, to_ns=4))),
            InputError,
            "filter.span: from lies after to",
        ),
        (lambda c: c.gallery_list(limit=1001), InputError, "limit: must be in"),
        (lambda c: c.gallery_list(offset=-1), InputError, "offset: must be"),
        (lambda c: c.gallery_get("nothing"), NotFound, "no identity nothing"),
        (lambda c: c.identity_get("nothing"), NotFound, "no identity nothing"),
        (lambda c: c.identity_get(""), InputError, "identity_id: missing"),
        (lambda c: c.gallery_delete("nothing"), NotFound, "nothing"),
        (lambda c: c.gallery_delete_sighting("nothing"), NotFound, "nothing"),
    ],
)
def test_bad_input_names_the_field_and_harms_nothing(street, call, error, message) -> None:
    with pytest.raises(error, match=message) as caught:
        call(street.client)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)
    assert len(street.client.search_embedding([0.0, 0.0, 1.0]).matches) == 4


def test_vectors_of_another_model_are_not_compared(street) -> None:
    street.see("stranger", RED, model_id="other")
    street.settle()
    assert "stranger" not in seen(street.client.search_embedding([-110.0, -110.0, 140.0]))
    with pytest.raises(ModelMismatch, match="stranger"):
        street.client.search_sighting("stranger")


def test_a_read_waits_for_the_position_of_a_write(city) -> None:
    for number in range(20):
        position = city.see(f"s{number}", RED)
        answer = city.client.search_embedding([0.0, 0.0, 1.0], SearchOptions(k=100, min_log_position=position))
        assert len(answer.matches) == number + 1


def test_a_position_that_does_not_come_is_unavailable(build) -> None:
    city = build(max_wait_s=0.05)
    with pytest.raises(Unavailable, match="min_log_position"):
        city.client.search_embedding([0.0, 0.0, 1.0], SearchOptions(min_log_position="99999999999999-0"))


def test_a_request_beyond_the_size_limit(build) -> None:
    city = build(max_message_bytes=2**16)
    with pytest.raises(InputError, match="larger than the matcher"):
        city.client.search_image(b"x" * 2**17)
