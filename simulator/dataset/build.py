"""Renders a data set into a folder: blocks on all cores, then the files that index them. Owns the order of things."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from simulator.dataset.boxes import OpenDetect
from simulator.dataset.folder import SetFolder
from simulator.dataset.plan import PARTS, DatasetPlan, ReidPlan
from simulator.dataset.read_me import read_me
from simulator.dataset.records import LABELS, crop_record, vehicle_document, write_lines, write_text
from simulator.dataset.standpoints import all_standpoints
from simulator.dataset.summary import Summary, summarise_crops, summarise_pictures
from simulator.dataset.veri import write_veri
from simulator.dataset.workers import Task, render_blocks
from simulator.dataset.yolo import write_yolo
from simulator.errors import DatasetError
from simulator.meshes import MeshLibrary

VEHICLES = "vehicles.json"
READ_ME = "README.md"


def render_dataset(
    plan: DatasetPlan,
    out: Path,
    *,
    open_detect: OpenDetect | None = None,
    processes: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Renders a set, or what is missing of it: killed and started again, it ends with the same files.

    Args:
        plan: What to render.
        out: Folder; new, empty, or begun by the same plan.
        open_detect: Makes the detector whose boxes cut the pictures; called in each process.
        processes: How many render at once; one per core by default.
        progress: Called with pictures written and expected.

    Returns:
        What came out.

    Raises:
        DatasetError: The folder holds something else, or rendering failed.
        CityError: A place or the meshes are missing.
        OSError: The folder cannot be written.
    """
    if isinstance(plan, ReidPlan) and plan.boxes != "mask" and open_detect is None:
        raise DatasetError(f"boxes of a detector were asked for ({plan.boxes}) and none was given")
    all_standpoints()
    library = MeshLibrary.open()
    folder = SetFolder(out, plan)
    expected = sum(block.expected for block in plan.blocks())
    tasks = [Task(block, folder.pictures(block.part), folder.records_path(block)) for block in folder.open_blocks()]
    done = expected - sum(task.block.expected for task in tasks)
    progress(done, expected)

    def count(written: int) -> None:
        nonlocal done
        done += written
        progress(min(done, expected), expected)

    render_blocks(plan, tasks, open_detect, processes, count)
    summary = _index(plan, folder, library)
    folder.finish({"summary": summary.document()})
    progress(expected, expected)
    return summary


def _index(plan: DatasetPlan, folder: SetFolder, library: MeshLibrary) -> Summary:
    """Writes everything that needs all blocks."""
    documents = folder.records()
    folder.remove_strays({document["image"] for document in documents})
    write_lines(folder.path / LABELS, documents)
    if not isinstance(plan, ReidPlan):
        write_yolo(folder.path, documents)
        models = {vehicle["model"] for document in documents for vehicle in document["vehicles"]}
        write_text(folder.path / READ_ME, read_me(plan.kind, models, library))
        return summarise_pictures(documents)
    records = [crop_record(document) for document in documents]
    queries = write_veri(folder.path, records, plan.seed)
    vehicles = {
        f"{vehicle.vehicle_id:04d}": vehicle_document(vehicle, part.name)
        for part in PARTS.values()
        for vehicle in plan.fleet(part)
    }
    write_text(folder.path / VEHICLES, json.dumps(vehicles, indent=1) + "\n")
    write_text(folder.path / READ_ME, read_me(plan.kind, {record.model for record in records}, library))
    return summarise_crops(plan, records, queries)
