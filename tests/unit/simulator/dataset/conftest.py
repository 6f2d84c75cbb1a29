"""A finished set whose pictures are flat colours: everything but the rendering is real."""

import json

import cv2
import numpy as np
import pytest

from simulator.dataset.folder import SetFolder
from simulator.dataset.plan import PARTS, ReidPlan
from simulator.dataset.records import CropRecord, vehicle_document, write_lines
from simulator.dataset.veri import write_veri

LIGHT_OF = {1: "noon", 2: "night", 13: "fog", 14: "noon", 15: "rainy"}


def write_painted_set(folder, plan):
    """Writes a set in which every vehicle has a colour and passes two or three cameras."""
    setfolder = SetFolder(folder, plan)
    records = []
    for block in plan.blocks():
        part = PARTS[block.part]
        own = []
        for look in plan.fleet(part)[block.first : block.first + block.count]:
            for camera in (1, 2) if part.name == "train" else (13, 14, 15)[: 2 + look.vehicle_id % 2]:
                own += [_record(look, camera, part.name, number) for number in range(plan.crops_each)]
        for record in own:
            picture = np.full((record.height, record.width, 3), record.vehicle * 20 % 256, np.uint8)
            cv2.imwrite(str(setfolder.pictures(part.name) / record.image), picture)
        write_lines(setfolder.records_path(block), own)
        records += own
    write_lines(folder / "labels.jsonl", setfolder.records())
    vehicles = {
        f"{look.vehicle_id:04d}": vehicle_document(look, part.name)
        for part in PARTS.values()
        for look in plan.fleet(part)
    }
    (folder / "vehicles.json").write_text(json.dumps(vehicles))
    write_veri(folder, records, plan.seed)
    setfolder.finish({})
    return records


def _record(look, camera, part, number):
    return CropRecord(
        image=f"{look.vehicle_id:04d}_c{camera:03d}_{number * 3 + 1:08d}_0.jpg",
        part=part,
        vehicle=look.vehicle_id,
        camera=camera,
        place="oldtown",
        standpoint="gable",
        light=LIGHT_OF[camera],
        model=look.model,
        kind=look.kind,
        colour=look.colour,
        twin_of=look.twin_of,
        alike_from=look.alike_from,
        trained_body=True,
        view="rear_left",
        face="rear",
        aspect_deg=-150.0,
        distance_m=20.0,
        box="detector",
        found=True,
        visible=0.9,
        width=64 + number,
        height=48,
        plates="random",
    )


@pytest.fixture
def painted(tmp_path):
    """Folder, plan and records of a finished set of five training and four test vehicles."""
    plan = ReidPlan(5, 4, cameras_each=2, crops_each=3)
    return tmp_path / "set", plan, write_painted_set(tmp_path / "set", plan)
