"""Converts one model file, in a process of its own, so that torch never enters a serving one. Keeps no cache."""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detector.telemetry import forbid_telemetry
from services.errors import ModelFileError
from services.models.manifest import ModelKind

#: What can be asked of a converter: a published file of a kind, or a converted detector in eight bits.
ConversionKind = ModelKind | Literal["yolo-int8"]
#: By kind; raised when a conversion gives another result for the same input.
CONVERSION_VERSIONS: Mapping[ConversionKind, int] = {"yolo": 2, "reid": 3, "imagenet": 3}
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
    arguments = [kind, str(source), str(out_dir)]
    if input_hw is not None:
        arguments += ["--input-hw", str(input_hw[0]), str(input_hw[1])]
    _run(arguments, f"converting {source.name}")


def quantise_in_subprocess(model_xml: Path, out_dir: Path, own: Sequence[NDArray[np.uint8]]) -> None:
    """Quantises a converted detector with pictures of one's own beside the usual ones.

    They go through a pipe: none is written to a disk.

    Args:
        model_xml: Of the converted detector.
        out_dir: Existing, empty.
        own: Pictures of the network's input size, uint8 (h, w, 3) BGR, at least one.

    Raises:
        ModelFileError: It failed or took too long.
    """
    sent = io.BytesIO()
    np.save(sent, np.stack(own), allow_pickle=False)
    _run(["yolo-int8", str(model_xml), str(out_dir), "--own-pictures"], "quantising", sent.getvalue())


def _run(arguments: list[str], doing: str, sent: bytes | None = None) -> None:
    """Runs this module in a process of its own, ``sent`` on its standard input."""
    command = [sys.executable, "-m", "services.models.conversion", *arguments]
    paths = [str(_PACKAGES_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    try:
        done = subprocess.run(
            command, input=sent or b"", capture_output=True, timeout=_TIMEOUT_S, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ModelFileError(f"{doing} failed: {type(exc).__name__}") from exc
    if done.returncode != 0:
        lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
        raise ModelFileError(f"{doing} failed: {lines[-1] if lines else f'exit {done.returncode}'}")


def convert(
    kind: ConversionKind,
    source: Path,
    out_dir: Path,
    input_hw: tuple[int, int] | None,
    own: Sequence[NDArray[np.uint8]] = (),
) -> None:
    """Converts in this process, which loads torch; ``own`` are further pictures to quantise by."""
    forbid_telemetry()
    if kind == "yolo":
        from detector.convert import convert_yolo

        if input_hw is None:
            raise ValueError("a detector is converted for one input size, got none")
        convert_yolo(source, out_dir, input_hw)
    elif kind == "yolo-int8":
        from detector.quantise import quantise_yolo

        quantise_yolo(source, out_dir, own=own)
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
    parser.add_argument("--own-pictures", action="store_true", help="an array (N, h, w, 3) comes on standard input")
    args = parser.parse_args(argv)
    input_hw = tuple(args.input_hw) if args.input_hw else None
    try:
        own = np.load(io.BytesIO(sys.stdin.buffer.read()), allow_pickle=False) if args.own_pictures else ()
        convert(args.kind, args.source, args.out_dir, input_hw, own)
    except ImportError as exc:
        sys.stderr.write(f"needs {exc.name or exc}, which comes with the 'train' extra\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
