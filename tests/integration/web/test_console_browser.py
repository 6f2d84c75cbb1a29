"""The console in a real browser: a vehicle is found by image, its page opened and, where the matcher can, corrected."""

import os
import re
from pathlib import Path

import pytest

from services.web.site import Corrections

from .conftest import BLUE, RED, picture


def keep(page, name):
    """Keeps a screenshot where the environment says."""
    if folder := os.environ.get("VREID_SCREENSHOTS"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def upload(page, *rectangles):
    page.set_input_files("input[type=file]", {"name": "q.png", "mimeType": "image/png", "buffer": picture(*rectangles)})


def best_is(page, identity_id):
    """Waits until the best answer is that identity."""
    first = "document.querySelector('a[href^=\"/identity/\"]')?.getAttribute('href')"
    page.wait_for_function(f"{first} === '/identity/{identity_id}'")


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/", "Cameras"),
        ("/activity", "Activity"),
        ("/search", "Search by image"),
        ("/alerts", "Alerts"),
        ("/gallery", "Gallery"),
        ("/topology", "Topology"),
        ("/system", "System"),
    ],
)
def test_every_page_opens_and_asks_nobody_else(page, console, path, heading):
    page.goto(console.url + path)
    page.get_by_role("heading", name=heading, level=1).wait_for()
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Search").wait_for()
    assert page.hosts == {console.url.removeprefix("http://")}
    assert page.errors == []
    keep(page, heading)


def test_a_vehicle_is_found_by_image_and_put_aside(page, console):
    page.goto(console.url + "/search")
    page.get_by_text("Nothing asked yet.").wait_for()
    upload(page, (RED, (10, 10, 110, 100)), (BLUE, (130, 40, 190, 90)))
    page.get_by_role("button", name="Vehicle 2 (car)").wait_for()
    best = page.locator('a[href^="/identity/"]').first
    best.wait_for()
    assert best.get_attribute("href") == "/identity/id-red"
    keep(page, "search")
    page.get_by_role("button", name="Vehicle 2 (car)").click()
    best_is(page, "id-blue")
    page.get_by_role("button", name="Not this one").first.click()
    best_is(page, "id-red")
    page.get_by_role("button", name="Bring back what was put aside").click()
    best_is(page, "id-blue")


def test_a_vehicles_page_shows_way_pictures_and_evidence(page, console):
    page.goto(console.url + "/identity/id-red")
    page.get_by_text("north → south").wait_for()
    page.get_by_role("img", name="route over time").wait_for()
    page.get_by_text("appearance +3.5").first.wait_for()
    page.wait_for_function("[...document.querySelectorAll('img.vr-crop')].filter(i => i.naturalWidth > 0).length === 2")
    keep(page, "identity")
    if not isinstance(console.client, Corrections):
        page.get_by_text("This matcher cannot correct identities.").wait_for()
        return
    page.get_by_label("Id, or its end, of who is this vehicle too").fill("…blue")
    page.get_by_role("button", name="Merge").click()
    page.get_by_text("Also known as").wait_for()
    page.get_by_role("button", name="Undo last correction").click()
    page.get_by_text("Also known as").wait_for(state="detached")


def test_dark_stays_dark_and_the_keyboard_reaches_everything(page, console):
    page.goto(console.url + "/system")
    page.get_by_role("button", name="Dark or light").wait_for()
    assert page.locator("body.body--dark").count() == 0
    page.get_by_role("button", name="Dark or light").focus()
    page.keyboard.press("Enter")
    page.locator("body.body--dark").wait_for()
    page.reload()
    page.locator("body.body--dark").wait_for()
    page.get_by_role("link", name="Skip to content").focus()
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel"))
    names = re.sub(r"\s+", " ", " ".join(filter(None, reached)))
    assert [name for name in ("Cameras", "Alerts", "Gallery", "System") if name not in names] == []


def test_another_sites_page_gets_nothing(page, console):
    refused = page.request.get(console.url + "/system", headers={"Origin": "http://elsewhere.example"})
    assert refused.status == 403
    assert page.request.get(console.url + "/media/picture/red-1/0").headers["content-type"] == "image/jpeg"
    assert page.request.get(console.url + "/media/picture/unknown/0").status == 404
    assert page.request.get(console.url + "/media/live/west").status == 404


def test_a_page_is_sent_with_what_it_shows(page, console):
    """A browser need not come back for it, and what is read without one is whole."""
    assert "id-red" in page.request.get(console.url + "/identity/id-red").text()
    assert "id-red" in page.request.get(console.url + "/gallery").text()
    assert "Vectors" in page.request.get(console.url + "/system").text()
