"""What stands in a cell of a Markdown table."""

from __future__ import annotations

import re


def cell(text: str) -> str:
    r"""One line in which nothing ends the cell or begins a tag; what stands between backticks keeps its brackets.

    >>> cell("a | b <c> `<d>`")
    'a \\\\| b &lt;c> `<d>`'
    """
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()).replace("|", "\\|"))
    return "".join(part if part.startswith("`") else part.replace("<", "&lt;") for part in parts)
