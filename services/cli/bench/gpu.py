"""``vreid bench gpu``: parses and prints; `benchmarks.gpu` measures."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from services.cli.bench.matcher import PREFIXES
from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress


def gpu(
    sizes: Annotated[str, typer.Option(help="Gallery sizes, separated by commas.")] = "100000,1000000",
    seconds: Annotated[float, typer.Option(min=0.2, max=600, help="Length of each measurement.")] = 2.0,
    cpu: Annotated[bool, typer.Option(help="Measure the CPU beside the GPU.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of the generated vectors.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Measures exact search and embedding on a GPU against the CPU; needs torch and faiss-gpu."""
    for name in [n for n in os.environ if n.startswith(PREFIXES)]:
        del os.environ[name]
    from benchmarks.gpu.run import GpuBench, bench_gpu
    from benchmarks.gpu.search import NoGpuError, SearchBench
    from reid.errors import ReidError

    wanted = [int(text) if text.strip().isdigit() else 0 for text in sizes.split(",")]
    if min(wanted) < 100:
        fail(f"--sizes: expected numbers of at least 100 separated by commas, got {sizes!r}")
    bench = GpuBench(SearchBench(tuple(wanted), seconds, seed=seed, with_cpu=cpu))
    try:
        with progress("steps") as report:
            document = bench_gpu(bench, report)
    except (NoGpuError, ReidError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show)


def _show(document: dict[str, Any]) -> None:
    shown = table("vectors", "search", "batch 64/s", "batch 512/s", "p50 ms", "p99 ms")
    for size, figures in document["search"].items():
        for name, row in figures.items():
            if isinstance(row, dict):
                keys = ("batch_64_qps", "batch_512_qps", "p50_ms", "p99_ms")
                shown.add_row(size, name, *(f"{row[key]:.2f}" for key in keys))
    stdout.print(shown)
    for precision in ("fp32", "fp16"):
        row = document["embed"][precision]
        stdout.print(
            f"{precision}: {row['batch_16_images_per_s']:.0f} and {row['batch_128_images_per_s']:.0f} pictures a "
            f"second at batch 16 and 128, least cosine to the CPU {row['least_cosine_to_cpu']:.5f}"
        )
