"""Generates services/rpc/ from proto/vreid.proto, or proves with --check that what is committed is current."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = "services/rpc"
GENERATED = ("vreid_pb2.py", "vreid_pb2.pyi", "vreid_pb2_grpc.py")


def generate(out: Path) -> None:
    """Writes the stubs and their types below ``out``, as services/rpc/*.

    Raises:
        RuntimeError: protoc refused the source; its complaint is on stderr.
    """
    import grpc_tools
    from grpc_tools import protoc

    includes = Path(grpc_tools.__file__).parent / "_proto"
    status = protoc.main(
        [
            "protoc",
            f"-I{TARGET}={ROOT / 'proto'}",
            f"-I{includes}",
            f"--python_out={out}",
            f"--pyi_out={out}",
            f"--grpc_python_out={out}",
            f"{TARGET}/vreid.proto",
        ]
    )
    if status != 0:
        raise RuntimeError(f"protoc ended with status {status}")
    # The types in the stub are wanted, complaints about how protoc writes them are not.
    types = out / TARGET / "vreid_pb2.pyi"
    types.write_text("# mypy: ignore-errors\n" + types.read_text(encoding="utf-8"), encoding="utf-8")


def stale(root: Path = ROOT) -> list[str]:
    """Paths of generated files that differ from what the source gives, empty when all are current."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        fresh = {name: (Path(folder) / TARGET / name).read_bytes() for name in GENERATED}
    return [
        f"{TARGET}/{name}"
        for name in GENERATED
        if not (root / TARGET / name).is_file() or (root / TARGET / name).read_bytes() != fresh[name]
    ]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a stub is out of date")
    options = parser.parse_args(arguments)
    if not options.check:
        generate(ROOT)
        return 0
    outdated = stale()
    for path in outdated:
        print(f"{path} is not what proto/vreid.proto gives; run `make proto`", file=sys.stderr)
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
