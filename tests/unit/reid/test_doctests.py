"""The examples in the docstrings of data, evaluation, heads and baselines hold."""

import doctest
import importlib
import pkgutil

import pytest

import reid.baselines
import reid.data
import reid.evaluation
import reid.heads

MODULES = sorted(
    module.name
    for package in (reid.baselines, reid.data, reid.evaluation, reid.heads)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
