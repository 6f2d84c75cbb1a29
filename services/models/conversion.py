"""Converts one model file, in a process of its own, so that torch never enters a serving one. Keeps no cache."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

from detector.telemetry import forbid_telemetry
from services.errors import ModelFileError
from services.models.manifest import ModelKind

#: Raised when a conversion gives another result for the same input.
CONVERSION_VERSION = 2
#: What can be asked of a converter: a published file of a kind, or a converted detector in eight bits.
ConversionKind = ModelKind | Literal["yolo-int8"]
_TIMEOUT_S = 900.0
_PACKAGES_ROOT = Path(__file__).resolve().parents[2]


def convert_in_subprocess(kind: ConversionKind, source: Path, out_dir: Path, input_hw: tuple[int, int] | None) -> None:
    """Converts ``source`` into ``out_dir``.

    Args:
        kind: Which conversion.
        source: The file; if it is a pickle its hash has been checked, or the user trusts it. For ``yolo-int8`` the
            ``model.xml`` of a converted detector.
        out_dir: Existing, empty.
        input_hw: Network input size of a detector; None for the others.

    Raises:
        ModelFileError: The conversion failed or took too long.
    """
    command = [sys.executable, "-m", "services.models.conversion", kind, str(source), str(out_dir)]
    if input_hw is not None:
        command += ["--input-hw", str(input_hw[0]), str(input_hw[1])]
    paths = [str(_PACKAGES_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, env=environment)
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ModelFileError(f"converting {source.name} failed: {type(exc).__name__}") from exc
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise ModelFileError(f"converting {source.name} failed: {lines[-1] if lines else f'exit {done.returncode}'}")


def convert(kind: ConversionKind, source: Path, out_dir: Path, input_hw: tuple[int, int] | None) -> None:
    """Converts in this process, which loads torch."""
    forbid_telemetry()
    if kind == "yolo":
        from detector.convert import convert_yolo

        if input_hw is None:
            raise ValueError("a detector is converted for one input size, got none")
        convert_yolo(source, out_dir, input_hw)
    elif kind == "yolo-int8":
        from detector.quantise import quantise_yolo

        quantise_yolo(source, out_dir)
    elif kind == "reid":
        from reid.export import export_openvino

        export_openvino(source, out_dir)
    else:
        from reid.export import export_imagenet_mobilenetv2

        export_imagenet_mobilenetv2(source, out_dir)


def main(argv: list[str] | None = None) -> int:
    """Converts one model file."""
    parser = argparse.ArgumentParser(prog="python -m services.models.conversion", description=main.__doc__)
    parser.add_argument("kind", choices=["yolo", "yolo-int8", "reid", "imagenet"])
    parser.add_argument("source", type=Path)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--input-hw", type=int, nargs=2, default=None)
    args = parser.parse_args(argv)
    try:
        convert(args.kind, args.source, args.out_dir, tuple(args.input_hw) if args.input_hw else None)
    except ImportError as exc:
        sys.stderr.write(f"needs {exc.name or exc}, which comes with the 'train' extra\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
