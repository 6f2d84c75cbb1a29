"""Writes docs/reference from the code: command line, gRPC, configuration. With --check it fails on a difference."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What lies here is described, not what is installed.
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(ROOT / "scripts"))

from reference_pages import command_line, configuration, protocol  # noqa: E402

TARGET = ROOT / "docs" / "reference"


def pages() -> dict[str, str]:
    """Contents by file name."""
    mark = "<!-- Written by scripts/references.py; change the code that it describes instead. -->\n\n"
    return {
        "cli.md": mark + command_line.page(),
        "grpc.md": mark + protocol.page(ROOT / "proto" / "vreid.proto"),
        "configuration.md": mark + configuration.page(),
        "vreid.schema.json": configuration.schema_text(),
    }


def stale(target: Path = TARGET) -> list[str]:
    """Names of files that differ from what the code gives."""
    return [
        name
        for name, text in pages().items()
        if not (target / name).is_file() or (target / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a page is out of date")
    if parser.parse_args(arguments).check:
        outdated = stale()
        for name in outdated:
            print(f"docs/reference/{name} is not what the code says; run `make references`", file=sys.stderr)
        return 1 if outdated else 0
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (TARGET / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
