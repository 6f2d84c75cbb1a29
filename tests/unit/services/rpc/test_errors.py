from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest

from services import errors
from services.access.tokens import new_secret
from services.rpc.errors import STATUS_OF, class_of, one_line, status_of

ROOT = Path(__file__).parents[4]


def tree(cls: type[errors.VreidError] = errors.VreidError) -> list[type[errors.VreidError]]:
    return [cls, *(c for sub in cls.__subclasses__() if sub.__module__ == errors.__name__ for c in tree(sub))]


def test_the_protos_table_is_what_the_server_does() -> None:
    table = re.findall(
        r"^//   \S.*?  (\w+) +([A-Z_]+)$", (ROOT / "proto/vreid.proto").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(table) >= 8
    for name, status in table:
        assert status_of(getattr(errors, name)("x")).name == status


@pytest.mark.parametrize("cls", tree(), ids=lambda cls: cls.__name__)
def test_a_class_of_the_tree_survives_the_wire(cls) -> None:
    assert class_of(status_of(cls("x")), cls.__name__) is cls


@pytest.mark.parametrize("cls", tree(), ids=lambda cls: cls.__name__)
def test_only_what_may_succeed_later_says_so(cls) -> None:
    later = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED)
    assert (status_of(cls("x")) in later) is cls.retryable


@pytest.mark.parametrize("name", [None, "", "KeyError", "annotations", "NotThere", "__name__"])
def test_names_not_of_the_tree_fall_back_to_the_status(name) -> None:
    assert class_of(grpc.StatusCode.NOT_FOUND, name) is errors.NotFound
    assert class_of(grpc.StatusCode.DATA_LOSS, name) is errors.VreidError


def test_strangers_are_internal() -> None:
    assert status_of(ValueError("x")) is grpc.StatusCode.INTERNAL
    assert grpc.StatusCode.OK not in STATUS_OF.values()


def test_a_token_that_was_given_as_something_else_is_not_repeated() -> None:
    secret = new_secret()
    assert secret not in one_line(errors.NotFound(f"identity_id: no identity {secret}"))
