"""The examples in the docstrings of data and evaluation hold."""

import doctest
import importlib
import pkgutil

import pytest

import reid.data
import reid.evaluation

MODULES = sorted(
    module.name
    for package in (reid.data, reid.evaluation)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
