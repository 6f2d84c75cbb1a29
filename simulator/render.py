"""Renders a whole city: traffic, one clip per camera, exact truth, attribution, frozen hashes.

Owns the order of things. Deterministic: the same request gives the same truth and the same rendered pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from simulator.camera_clips import Clip, render_clips
from simulator.city import City, CityCamera, CityVehicle, load_city, write_city
from simulator.credits import credit_lines
from simulator.frames import CityRenderer, light_of
from simulator.meshes import MeshLibrary
from simulator.script import RenderRequest, Script, write_script
from simulator.truth import write_truth


def render_city(
    request: RenderRequest,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    processes: int | None = None,
) -> City:
    """Renders a city into a folder, its cameras beside each other; the files do not depend on how many at once.

    Args:
        request: Which.
        out: Folder; made if missing, its city files overwritten.
        progress: Called with frames done and in all.
        processes: How many cameras are rendered at once; one per core by default.

    Raises:
        CityError: Place, seed, meshes or renderer are not usable, or a rendering process failed or died.
        OSError: The folder cannot be written.
    """
    script = write_script(request)
    specs = script.place.spec.cameras
    for spec in specs:
        light_of(spec, request.light)
    library = MeshLibrary.open()
    out.mkdir(parents=True, exist_ok=True)
    clips = [Clip(number, spec, out / f"{spec.name}.mp4") for number, spec in enumerate(specs, 1)]
    boxes = render_clips(script, request, clips, processes, progress)
    write_truth(out / "ground_truth.txt", boxes)
    seen = {box.vehicle_id for box in boxes}
    vehicles = tuple(_vehicle(script, vehicle_id) for vehicle_id in sorted(seen))
    _write_attribution(out / "ATTRIBUTION.md", library, {vehicle.model for vehicle in vehicles})
    city = City(
        name=request.name,
        seed=request.seed,
        place=script.place.name,
        fps=float(request.fps),
        t0=0.0,
        cameras=tuple(_camera(script, clip, request) for clip in clips),
        vehicles=vehicles,
        truth_path=out / "ground_truth.txt",
        folder=out,
    )
    write_city(city)
    return load_city(out)


def pixel_hash(request: RenderRequest) -> str:
    """SHA-256 over every rendered pixel and truth line of a city, without writing it."""
    script = write_script(request)
    city_renderer = CityRenderer(script, request)
    digest = hashlib.sha256()
    for number, spec in enumerate(script.place.spec.cameras, 1):
        for frame in city_renderer.frames(number, spec):
            digest.update(frame.image.tobytes())
            digest.update(repr(frame.boxes).encode())
    return digest.hexdigest()


def _camera(script: Script, clip: Clip, request: RenderRequest) -> CityCamera:
    spec = clip.camera
    eye, target, _ = script.place.camera_points(spec)
    pose = {
        "eye_m": [round(v, 3) for v in eye],
        "target_m": [round(v, 3) for v in target],
        "fov_deg": spec.fov_deg,
        "light": light_of(spec, request.light),
    }
    return CityCamera(spec.name, clip.number, clip.path, *request.size, len(script.frames), pose)


def _vehicle(script: Script, vehicle_id: int) -> CityVehicle:
    look = script.fleet[vehicle_id]
    route = script.trips[vehicle_id].route.through
    return CityVehicle(vehicle_id, look.model, look.kind, look.colour, look.cues, route, look.twin_of, look.alike_from)


def _write_attribution(path: Path, library: MeshLibrary, models: set[str]) -> None:
    """Credits every mesh that can be seen in the clips."""
    lines = [
        "# Attribution",
        "",
        "The vehicles in these clips are rendered from meshes of Debian's `sweethome3d-furniture` package,",
        "repainted, scaled, partly simplified and fitted with decals and loads. Their authors and licences,",
        "as its catalogue names them:",
        "",
        *credit_lines(models, library),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
