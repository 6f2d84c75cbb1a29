"""``vreid bench matcher``: parses and prints; `benchmarks.matcher` measures."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress
from services.errors import VreidError

#: What slows or binds the linear algebra of everything that is measured; unset for ours and for peers alike.
PREFIXES = ("OPENBLAS_", "OMP_", "MKL_", "BLIS_")


def matcher(  # noqa: PLR0913, PLR0917 - one per option
    sizes: Annotated[str, typer.Option(help="Gallery sizes, separated by commas.")] = "10000,100000,1000000",
    part: Annotated[
        list[str] | None,
        typer.Option(
            help="exact, fast, peers, restart, churn, crash, hostile or all; may be repeated; "
            "exact, fast and peers by default."
        ),
    ] = None,
    peer_size: Annotated[
        int, typer.Option("--peer-size", min=0, help="Gallery size against other servers; 0 for none.")
    ] = 100_000,
    seconds: Annotated[float, typer.Option(min=0.5, max=600, help="Length of each load.")] = 10.0,
    churn_seconds: Annotated[
        float, typer.Option("--churn-seconds", min=5, max=86_400, help="How long sightings come and go.")
    ] = 300.0,
    hostile: Annotated[int, typer.Option(min=100, max=10**7, help="Hostile requests sent.")] = 10_000,
    clients: Annotated[int, typer.Option(min=1, max=512, help="Clients of the heaviest load.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of the generated vectors.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Measures search over gRPC against FAISS in process and against other servers, in one run.

    Parts beside search: restart starts the largest gallery from the store and from a snapshot and searches while one
    is written; churn has 500 sightings a second come and go in half the largest; crash kills matcher and server in
    the middle of enrolments and erasures; hostile sends requests that nobody should send.
    """
    for name in [n for n in os.environ if n.startswith(PREFIXES)]:
        del os.environ[name]
    from benchmarks.matcher.run import PARTS, MatcherBench, bench_matcher

    try:
        wanted = tuple(int(size) for size in sizes.split(","))
    except ValueError:
        fail(f"--sizes: expected numbers separated by commas, got {sizes!r}")
    if min(wanted) < 100:
        fail(f"--sizes: at least 100 each, got {min(wanted)}")
    parts = PARTS if part is not None and "all" in part else tuple(part or ("exact", "fast", "peers"))
    if unknown := set(parts) - set(PARTS):
        fail(f"--part: one of {', '.join(PARTS)} or all, not {min(unknown)!r}")
    bench = MatcherBench(
        sizes=wanted,
        peer_size=peer_size,
        seconds=seconds,
        clients=clients,
        seed=seed,
        parts=parts,
        churn_s=churn_seconds,
        hostile=hostile,
    )
    try:
        with progress("steps") as report:
            document = bench_matcher(bench, report)
    except VreidError as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show)


def _show(document: dict[str, Any]) -> None:
    if document["sizes"]:
        exact = table("vectors", "64 clients/s", "FAISS batch 64/s", "unbatched/s", "1 client p99 ms", "FAISS p99 ms")
        names = ("grpc_64_qps", "raw_batch64_qps", "unbatched_best_qps", "grpc_1_p99_ms", "raw_1_p99_ms")
        for size, row in document["sizes"].items():
            exact.add_row(size, *(f"{row[name]:.1f}" for name in names))
        stdout.print(exact)
    fast = document["fast"]
    if fast is not None:
        stdout.print(
            f"fast tier at {fast['size']}: {fast['speedup']:.1f} times the exact one, recall {fast['recall']:.4f}, "
            f"{fast['bytes_per_vector']:.0f} bytes a vector"
        )
    if document["peers"]:
        _show_peers(document)
    for name in ("restart", "churn", "hostile"):
        if name in document:
            shown = table(name, "")
            for key, value in document[name].items():
                shown.add_row(key, f"{value:g}" if isinstance(value, float) else str(value))
            stdout.print(shown)
    if "crash" in document:
        _show_crash(document["crash"])


def _show_crash(crash: dict[str, Any]) -> None:
    names = ("kills", "enrolled", "erased", "in_doubt")
    shown = table("kills of", *names, "lost", "undead", "traces")
    for fault, row in crash["faults"].items():
        if "unsupported" in row:
            stdout.print(f"{fault}: not here: {row['unsupported']}")
            continue
        lists = (len(row[name]) for name in ("lost", "undead", "traces"))
        shown.add_row(fault, *(str(value) for value in (*(row[name] for name in names), *lists)))
    stdout.print(shown)


def _show_peers(document: dict[str, Any]) -> None:
    shown = table("peer", "searches/s", "recall", "p50 ms", "p99 ms", "bytes a vector", "build s")
    for name, row in document["peers"].items():
        shown.add_row(
            name,
            f"{row['qps']:.0f}",
            f"{row['recall']:.4f}",
            *(f"{row[key]:.2f}" for key in ("p50_ms", "p99_ms")),
            f"{row['bytes_per_vector']:.0f}",
            f"{row['build_s']:.1f}",
        )
    stdout.print(shown)
    for name, reason in document["skipped"].items():
        stdout.print(f"{name}: {reason}")
