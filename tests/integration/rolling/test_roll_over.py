"""A running site changes its model, is killed in every stage, goes back, goes on, and has lost nobody."""

from __future__ import annotations

import re
import time

import cv2
import numpy as np
import pytest
from roll_site import SHIPPED, until, vehicle

from services.client import Probe, SearchOptions
from services.errors import ModelMismatch
from services.identity.rolling.contract import ModelRef
from services.matcher.types import Grouping

VEHICLES, UNPICTURED = 8, (6, 7)
PICTURED = [n for n in range(VEHICLES) if n not in UNPICTURED]


def found(running, number: int) -> str:
    """Whose a picture is that nobody has seen yet."""
    _, png = cv2.imencode(".png", vehicle(number, 2))
    answer = running.client.search_image(png.tobytes(), SearchOptions(k=1, grouping=Grouping.IDENTITY), as_is=True)
    return answer.matches[0].identity_id


def finds(running, numbers) -> bool:
    return [found(running, n) for n in numbers] == [f"id{n}" for n in numbers]


def fill(site, roster) -> dict[str, str]:
    owners = {}
    for number in range(VEHICLES):
        for camera, at_s in (("north", 0.0), ("south", 60.0)):
            name = f"{camera}{number}"
            site.see(roster, name, number, camera=camera, at_s=at_s + 5 * number, pictures=number not in UNPICTURED)
            owners[name] = f"id{number}"
    site.decide(**owners)
    return owners


def models_of(site) -> dict[str, tuple[str, ...]]:
    return {d.sighting_id: d.model_ids for d in site.store.scan_described()}


def unpictured(names) -> set[str]:
    return {name for name in names if int(name[-1]) in UNPICTURED}


def test_a_site_changes_its_model_and_loses_nobody(site, checkpoint):
    running = site.run_matcher()
    owners = fill(site, running.roster)
    running.matcher.gallery.wait_for(site.store.last_event_id(), 60)
    assert finds(running, range(VEHICLES))
    old = running.roster.now().active.spec.model_id
    new = begun_though_killed(site, checkpoint)
    until(lambda: new in running.roster.model_ids)
    described_though_killed(site, new)
    compared(site, owners)
    vector = site.store.get_sighting("north0").embedding
    switched(site, running, old, new, vector)
    assert site.owners() == owners
    known_from_before(site, old, new)
    back_and_forth(site, running, old, new)
    finished_though_killed(site, old, new)
    assert site.owners() == owners | {"east2": "id2"}
    assert finds(running, PICTURED)
    assert np.asarray(vector, "<f2").tobytes() not in site.store.vector_bytes(["north0"])
    assert site.store.roll().active == ModelRef(new, str(checkpoint))


def begun_though_killed(site, checkpoint) -> str:
    """A start that is killed while it looks at the model has changed nothing; the next one makes it."""
    killed = site.start_roll("start", str(checkpoint))
    time.sleep(1.0)
    killed.kill()
    killed.wait()
    assert "needs stage shadow" in site.roll("switch", fails=True)
    started = site.roll("start", str(checkpoint))
    assert started["stage"] == "shadow"
    assert started["other"]["model_id"] != started["active"]["model_id"]
    assert started["checked"]["least_cosine"] > 0.999
    return started["other"]["model_id"]


def described_though_killed(site, new) -> None:
    """Describing is killed half-way, and the server with it; what is done stays done."""
    killed = site.start_roll("embed", "--rate", "3")
    until(lambda: any(new in models for models in models_of(site).values()))
    killed.kill()
    killed.wait()
    site.kill_server()
    site.start_server()
    half = sum(new in models for models in models_of(site).values())
    assert 0 < half < 12
    assert "not described yet" in site.roll("switch", fails=True)
    assert site.roll("embed")["pass"]["embedded"] == 12 - half


def compared(site, owners) -> None:
    """The second network is the first one turned: it agrees in everything, and its vectors say nothing to the first."""
    status = site.roll("status")
    assert (status["progress"]["waiting"], status["progress"]["described"]) == (0, 12)
    listed = {row["sighting_id"]: row["identity_id"] for row in status["progress"]["without_pictures_listed"]}
    assert listed == {name: owners[name] for name in unpictured(owners)}
    found = status["comparison"]
    assert found["sightings"] == 12
    assert found["nearest_agreement"] > 0.99
    assert found["changed"] == 0.0
    assert found["other"]["auc"] == pytest.approx(found["active"]["auc"], abs=0.01)
    one = site.store.get_sighting("north0")
    assert abs(float(one.embedding @ one.beside.embedding)) < 0.6


def switched(site, running, old, new, vector) -> None:
    """The switch reaches the running matcher, and one started after it whose configuration names the former model."""
    done = site.roll("switch")
    running.matcher.gallery.wait_for(done["log_position"], 60)
    until(lambda: running.matcher.gallery.model_id == new)
    after = site.run_matcher()
    for each in (running, after):
        assert each.client.gallery_stats().model_id == new
        assert finds(each, PICTURED)
        with pytest.raises(ModelMismatch):
            each.client.search_embedding(vector.tolist(), model_id=old)
        with pytest.raises(ModelMismatch):
            each.client.search([Probe(sighting_id="north7")])
        assert {s.sighting_id for s in each.client.identity_get("id7").sightings} == {"north7", "south7"}
    site.stop_matcher(after)


def known_from_before(site, old, new) -> None:
    """A vehicle that comes now is decided with the new model and known from before; the old model sees it too."""
    deciding = site.run_matcher(decides=True)
    site.see(deciding.roster, "east2", 2, camera="east", at_s=130.0)
    until(lambda: site.store.identity_of("east2") is not None)
    assert site.store.identity_of("east2") == "id2"
    site.stop_matcher(deciding)
    assert models_of(site)["east2"] == (new,)
    site.roll("embed")
    assert models_of(site)["east2"] == (new, old)


def back_and_forth(site, running, old, new) -> None:
    assert site.roll("back")["stage"] == "shadow"
    until(lambda: running.matcher.gallery.model_id == old)
    assert finds(running, range(VEHICLES))
    site.roll("switch")
    until(lambda: running.matcher.gallery.model_id == new)


def finished_though_killed(site, old, new) -> None:
    """Finishing is killed after its first steps, and the server with it; asking again ends it."""
    roll = site.store.roll()
    site.store.step_roll("end", roll.active, roll.other, "killed")
    site.store.settle_vectors(["north0", "north1"])
    site.kill_server()
    site.start_server()
    done = site.roll("finish")
    assert (done["stage"], done["active"]["model_id"]) == ("none", new)
    left = models_of(site)
    assert {name for name, models in left.items() if models == (old,)} == unpictured(left)
    assert {name for name, models in left.items() if models == (new,)} == left.keys() - unpictured(left)


def test_a_matcher_describes_and_clears_by_itself_and_an_abort_leaves_no_trace(site, checkpoint):
    running = site.run_matcher(reembeds=True)
    owners = fill(site, running.roster)
    old = running.roster.now().active.spec.model_id
    new = site.roll("start", str(checkpoint))["other"]["model_id"]
    until(lambda: sum(new in models for models in models_of(site).values()) == 12)
    roll = site.store.roll()
    site.store.step_roll("end", roll.active, roll.other, "killed before it cleared anything")
    until(lambda: site.store.roll().stage == "none")
    assert set(models_of(site).values()) == {(old,)}
    assert site.owners() == owners
    assert site.store.roll().active == ModelRef(old, SHIPPED)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda path: path.with_suffix(".json").unlink(), "cannot read"),
        (lambda path: path.write_bytes(path.read_bytes()[:1000]), "cannot read the weights"),
        (
            lambda path: path.with_suffix(".json").write_text(
                re.sub(r'"offset": -?[\d.]+', '"offset": -96.6', path.with_suffix(".json").read_text())
            ),
            "not calibrated",
        ),
    ],
    ids=["no description", "cut short", "no calibration"],
)
def test_a_model_that_would_harm_is_not_begun_with(site, checkpoint, tmp_path, break_it, said):
    mine = tmp_path / "mine.safetensors"
    for suffix in (".safetensors", ".json"):
        mine.with_suffix(suffix).write_bytes(checkpoint.with_suffix(suffix).read_bytes())
    break_it(mine)
    assert said in site.roll("start", str(mine), fails=True)
    assert site.store.roll().stage == "none"


def test_the_model_that_the_site_has_is_no_new_one(site):
    assert "has already" in site.roll("start", SHIPPED, fails=True)
