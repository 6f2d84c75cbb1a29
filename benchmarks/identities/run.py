"""Scores identities city by city, by light, and of all sites at once. Plays nothing itself; prints nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.city.rendering import rendered_city
from simulator.city import City
from simulator.joining import join_cities
from simulator.script import RenderRequest
from simulator.splits import WHOLE

#: Means over cities are of these.
FIGURES = ("idf1", "oracle_idf1", "share_of_oracle", "query_rank1")

Player = Callable[[City], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class IdentitiesBench:
    """What to play.

    Attributes:
        places: Names of places, or paths of their files.
        lights: Each place is played in each; None is each camera's own.
        seed: Of the first place's fleet and traffic; the next place has the next, so that no two share a fleet.
        seconds: Length of the clips.
        keep: Where cities are kept; one that is there already is not rendered again.
        together: Play the cities of the first light once more, as the sites of one operator.
    """

    places: tuple[str, ...] = WHOLE
    lights: tuple[str | None, ...] = (None,)
    seed: int = 1_400_021
    seconds: float = 75.0
    keep: Path = Path("runs/identities")
    together: bool = False


def score_identities(bench: IdentitiesBench, play: Player, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Renders what is not there and plays each city to its end.

    Args:
        bench: What to play.
        play: Gives the demo's document of a city.
        progress: Called with playings done and in all.

    Returns:
        ``{cities: [...], mean, by_light, together}``. A city's row holds its place, light, cameras, vehicles, ``idf1``,
        ``oracle_idf1``, ``share_of_oracle``, ``greedy_idf1``, ``query_rank1``, ``frame_age_p99_s`` and ``inferred``,
        the share of frames. ``together`` has the same of all sites at once and ``fall``: by how much its IDF1 is below
        the mean of the sites played alone; None where not asked for.

    Raises:
        CityError: A city cannot be rendered, read or joined.
        RuntimeError: A playing failed.
    """
    total = len(bench.places) * len(bench.lights) + bench.together
    rows: list[dict[str, Any]] = []
    sites: list[City] = []
    for light in bench.lights:
        for number, place in enumerate(bench.places):
            request = RenderRequest(bench.seed + number, place, place, seconds=bench.seconds, light=light)
            city = rendered_city(request, bench.keep)
            rows.append({"place": city.place, "light": light or "own"} | _row(city, play(city)))
            if light == bench.lights[0]:
                sites.append(city)
            progress(len(rows), total)
    together = _together(sites, rows[: len(sites)], play) if bench.together else None
    progress(total, total)
    lights = dict.fromkeys(row["light"] for row in rows)
    by_light = {name: _means([row for row in rows if row["light"] == name]) for name in lights}
    return {"seed": bench.seed, "cities": rows, "mean": _means(rows), "by_light": by_light, "together": together}


def _row(city: City, document: Mapping[str, Any]) -> dict[str, Any]:
    oracle = document["oracle_idf1"]
    frames = document["frames"]
    return {
        "cameras": len(city.cameras),
        "vehicles": len(city.vehicles),
        "idf1": document["idf1"],
        "oracle_idf1": oracle,
        "share_of_oracle": round(document["idf1"] / oracle, 4) if oracle else 0.0,
        "greedy_idf1": document["greedy_idf1"],
        "query_rank1": document["query"]["rank1"],
        "frame_age_p99_s": document["frame_age_p99_s"],
        "inferred": round(frames["inferred"] / frames["offered"], 4) if frames["offered"] else 0.0,
    }


def _means(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {figure: round(mean(row[figure] for row in rows), 4) for figure in FIGURES}


def _together(sites: Sequence[City], alone: Sequence[Mapping[str, Any]], play: Player) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="vreid-bench-") as folder:
        city = join_cities(sites, Path(folder) / "sites")
        row = _row(city, play(city))
    return row | {"fall": round(_means(alone)["idf1"] - row["idf1"], 4)}
