"""Lists the texts of the console in services/web/locale/vreid.pot, for translators; `--check`: is it current?

Reads the code, runs nothing of it. Texts stand as literals in `_("…")` and `counted("…", "…", n)`.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "services" / "web"
CATALOGUE = SOURCE / "locale" / "vreid.pot"
_HEAD = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Language: \\n"\n'


def texts(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Texts of a module, each with its plural, which is empty for most."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        said = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        if node.func.id == "_" and said:
            yield said[0], ""
        elif node.func.id == "counted" and len(said) >= 2:
            yield said[0], said[1]


def quoted(text: str) -> str:
    """A text as a catalogue writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def catalogue() -> str:
    """The catalogue as it should be: texts in order, each with the files that it stands in."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for text in texts(ast.parse(path.read_text("utf-8"))):
            found.setdefault(text, set()).add(path.relative_to(ROOT).as_posix())
    entries = [_HEAD]
    for (one, many), places in sorted(found.items()):
        head = f"#: {' '.join(sorted(places))}\nmsgid {quoted(one)}\n"
        body = f'msgid_plural {quoted(many)}\nmsgstr[0] ""\nmsgstr[1] ""\n' if many else 'msgstr ""\n'
        entries.append(head + body)
    return "\n".join(entries)


def main() -> int:
    """Writes the catalogue, or checks it."""
    if "--check" in sys.argv[1:]:
        if CATALOGUE.read_text("utf-8") == catalogue():
            return 0
        sys.stderr.write("services/web/locale/vreid.pot is not current; run: python scripts/texts.py\n")
        return 1
    CATALOGUE.parent.mkdir(exist_ok=True)
    CATALOGUE.write_text(catalogue(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
