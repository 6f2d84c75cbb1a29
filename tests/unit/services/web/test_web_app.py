"""Pages wait longer than the client that they ask: a busy machine shows them late, and not an error."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

from services.client import MatcherClient
from services.web import app


def test_every_page_waits_longer_than_a_call_may_take():
    longest_s = inspect.signature(MatcherClient).parameters["timeout_s"].default
    assert app._page.keywords["response_timeout"] > longest_s
    tree = ast.parse(Path(app.__file__).read_text("utf-8"))
    made_by = {
        ast.unparse(decorator.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
    }
    assert made_by == {"_page", "app.get"}
