"""How `vreid models roll` shows itself to a person. Asks nothing."""

from __future__ import annotations

from typing import Any

from services.cli.output import stdout, table

_NEXT = {
    "none": "",
    "shadow": "next: vreid models roll status; then switch, or abort",
    "switched": "next: look at what it finds; then finish, or back",
    "clearing": "next: finish or abort again, or leave it to the matcher",
}
_SHOWN = 20


def show_step(document: dict[str, Any]) -> None:
    """A step that was made."""
    stdout.print(f"{document['action']}: done", highlight=False)
    checked = document.get("checked")
    if checked is not None:
        least = checked["least_cosine"]
        agrees = "" if least is None else f", agrees with its checkpoint (least cosine {least:.4f})"
        stdout.print(f"{checked['ref']['name']}: {checked['dim']} numbers a vector{agrees}", highlight=False)
    show_status(document)


def show_status(document: dict[str, Any]) -> None:
    """Where the site stands."""
    active, other = document["active"], document["other"]
    named = "as configured" if active is None else f"{active['name']} ({active['model_id'][:12]})"
    beside = "" if other is None else f", beside it {other['name']} ({other['model_id'][:12]})"
    stdout.print(f"stage {document['stage']}: model {named}{beside}", highlight=False, soft_wrap=True)
    if (found := document.get("progress")) is not None:
        _show_progress(found)
    for name in document.get("not_ready", ()):
        stdout.print(f"{name} has not opened both models yet", highlight=False)
    if (compared := document.get("comparison")) is not None:
        _show_comparison(compared)
    if _NEXT[document["stage"]]:
        stdout.print(_NEXT[document["stage"]], style="dim", highlight=False)


def _show_progress(found: dict[str, Any]) -> None:
    stdout.print(
        f"{found['described']} of {found['sightings']} sightings described by the new model, {found['waiting']} wait",
        highlight=False,
    )
    if not found["without_pictures"]:
        return
    stdout.print(
        f"{found['without_pictures']} have no picture to describe them from: they keep their identity and their place "
        "in it, and are found by no picture and matched with nothing once the new model is active",
        highlight=False,
        soft_wrap=True,
    )
    shown = table("sighting", "identity")
    for row in found["without_pictures_listed"][:_SHOWN]:
        shown.add_row(row["sighting_id"], row["identity_id"] or "undecided")
    stdout.print(shown)


def _show_comparison(found: dict[str, Any]) -> None:
    def share(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.1%}"

    stdout.print(f"compared on {found['sightings']} sightings of {found['identities']} vehicles:", highlight=False)
    stdout.print(
        f"  nearest neighbour the same for {share(found['nearest_agreement'])}, of the nearest ten "
        f"{share(found['nearest_overlap'])} shared; decisions that would change: {share(found['changed'])}",
        highlight=False,
        soft_wrap=True,
    )
    shown = table("model", "same vehicle", "different", "told apart (AUC)")
    for name in ("active", "other"):
        side = found[name]
        values = ("" if side[key] is None else f"{side[key]:.3f}" for key in ("same", "different", "auc"))
        shown.add_row(name, *values)
    stdout.print(shown)
