"""`vreid gallery snapshot | restore | compact | doctor`: keeping the gallery in order."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from services.cli.output import JsonFlag, emit, stdout
from services.cli.remote import DEFAULT_ADDRESS, AddressOption, connect
from services.errors import NotFound
from services.identity.codec import decode_sighting, encode_sighting
from services.rpc import vreid_pb2 as pb
from services.vectors import mean_direction

if TYPE_CHECKING:
    from services.client import MatcherClient
    from services.matcher.findings import Finding
    from services.types import Sighting


def snapshot(address: AddressOption = DEFAULT_ADDRESS, as_json: JsonFlag = False) -> None:
    """Writes the gallery to disk now, so that the next start is fast."""
    with connect(address) as client:
        position, size = client.gallery_snapshot()
    emit(
        {"log_position": position, "bytes": size},
        as_json=as_json,
        render=lambda _: stdout.print(f"{size} bytes, everything up to {position}"),
    )


def restore(
    from_store: Annotated[
        bool, typer.Option("--from-store", help="Read everything from the store; don't use the snapshot.")
    ] = False,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Fills the gallery anew, from its snapshot or from the store."""
    with connect(address) as client:
        used, position = client.gallery_restore(from_store=from_store)
    emit(
        {"from_snapshot": used, "log_position": position},
        as_json=as_json,
        render=lambda _: stdout.print(f"filled from the {'snapshot' if used else 'store'}, up to {position}"),
    )


def compact(address: AddressOption = DEFAULT_ADDRESS, as_json: JsonFlag = False) -> None:
    """Gives back the memory of removed vectors now."""
    with connect(address) as client:
        before, after = client.gallery_compact()
    emit(
        {"bytes_before": before, "bytes_after": after},
        as_json=as_json,
        render=lambda _: stdout.print(f"{before} bytes before, {after} after"),
    )


def doctor(
    fix: Annotated[
        bool,
        typer.Option("--fix", help="Remove parked duplicates and stray exemplars; who is who stays to you."),
    ] = False,
    address: AddressOption = DEFAULT_ADDRESS,
    as_json: JsonFlag = False,
) -> None:
    """Looks for vehicles under two identities, two vehicles under one, parked vehicles seen twice, stray exemplars."""
    from services.matcher.findings import findings

    with connect(address) as client:
        held = [
            (decode_sighting(exported.fields), exported.identity_id)
            for chunk in client.gallery_export()
            for exported in chunk.sightings
        ]
        found = findings(held, client.calibration())
        fixed = _fix(client, found, {s.sighting_id: (s, i) for s, i in held}) if fix else 0
    emit(
        {"findings": [asdict(f) | {"advice": advice(f)} for f in found], "fixed": fixed},
        as_json=as_json,
        render=_show,
    )


def advice(finding: Finding) -> str:
    """What to do about a finding."""
    match finding.kind:
        case "duplicate":
            return f"vreid identity merge {' '.join(finding.identity_ids)}"
        case "bimodal":
            return f"vreid identity split {finding.identity_ids[0]} {' '.join(finding.sighting_ids)}"
    return "vreid gallery doctor --fix"


def _fix(client: MatcherClient, found: list[Finding], held: dict[str, tuple[Sighting, str]]) -> int:
    """Mends what can be mended without deciding who is who; returns how many findings that were.

    What is in view is left to its camera, which goes on to revise it.
    """
    fixed = 0
    strays: dict[str, list[int]] = {}
    for finding in found:
        if finding.kind == "parked":
            try:
                client.gallery_delete_sighting(finding.sighting_ids[0])
                held.pop(finding.sighting_ids[0], None)
                fixed += 1
            except NotFound:  # gone meanwhile
                continue
        elif finding.kind == "stray":
            strays.setdefault(finding.sighting_ids[0], []).append(finding.exemplar)
    for sighting_id, places in strays.items():
        if sighting_id in held and held[sighting_id][0].final:
            sighting, identity_id = held[sighting_id]
            left = np.delete(sighting.exemplars, places, axis=0)
            mended = replace(
                sighting,
                revision=sighting.revision + 1,
                embedding=mean_direction(left) if len(left) else sighting.embedding,
                exemplars=left,
                crop_keys=tuple(key for i, key in enumerate(sighting.crop_keys) if i not in places),
            )
            exported = pb.ExportedSighting(identity_id=identity_id, fields=encode_sighting(mended))
            fixed += client.gallery_import([pb.ExportChunk(sightings=[exported])]).imported * len(places)
    return fixed


def _show(document: dict[str, Any]) -> None:
    for finding in document["findings"]:
        ids = ", ".join([*finding["identity_ids"], *finding["sighting_ids"]])
        stdout.print(f"{finding['kind']}: {ids} ({finding['probability']:.0%}): {finding['advice']}", soft_wrap=True)
    stdout.print(f"{len(document['findings'])} findings, {document['fixed']} mended")
