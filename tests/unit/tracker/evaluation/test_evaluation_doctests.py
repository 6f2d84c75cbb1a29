"""The examples in the docstrings of evaluation hold."""

import doctest
import importlib
import pkgutil

import pytest

import tracker.evaluation

MODULES = sorted(m.name for m in pkgutil.walk_packages(tracker.evaluation.__path__, "tracker.evaluation."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
