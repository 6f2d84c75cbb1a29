"""What operators do at the console, in a real browser: watch, take note, keep, delete, export, paste, pick."""

from __future__ import annotations

import base64
import re

import pytest

from services.client import Probe
from services.client.archive import read_archive

from .conftest import BLUE, RED, picture
from .test_console_looks import grave, keep


@pytest.fixture(scope="module")
def axe():
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()


def dialog(page):
    return page.get_by_role("dialog").filter(has=page.get_by_role("button"))


def test_a_vehicle_is_watched_for_and_its_alert_taken_note_of(page, console, axe):
    page.goto(console.url + "/alerts")
    page.get_by_text("Nothing is watched for yet.").wait_for()
    file = {"name": "the red van.png", "mimeType": "image/png", "buffer": picture((RED, (10, 10, 110, 100)))}
    page.set_input_files("input[type=file]", file)
    dialog(page).get_by_label("Name").wait_for()
    page.wait_for_timeout(500)
    assert grave(axe, page) == []
    keep(page, "dialog-watch")
    assert dialog(page).get_by_label("Name").input_value() == "the red van"
    dialog(page).get_by_role("button", name="Watch").click()
    page.get_by_role("heading", name="the red van").wait_for()

    console.see("red-5", RED, "north", "id-red", ago_s=4)
    page.get_by_text("1 alert to take note of").wait_for()
    page.get_by_text("Expected next: south").wait_for()
    page.locator('img[src="/media/picture/red-5/0"]').wait_for()
    page.get_by_role("link", name="1 alert").wait_for()  # in the navigation, of every page
    keep(page, "alert")
    assert grave(axe, page) == []
    page.get_by_role("button", name="Take note", exact=True).click()
    page.get_by_text("Nothing to take note of.").wait_for()
    page.get_by_role("switch", name="Also those taken note of").click()
    page.get_by_text("taken note of by").wait_for()

    page.get_by_role("button", name="Pause").click()
    page.get_by_text("paused").wait_for()
    assert [query.active for query in console.client.standing_list()] == [False]
    page.get_by_role("button", name="Remove").click()
    dialog(page).get_by_role("button", name="Remove").click()
    page.get_by_text("Nothing is watched for yet.").wait_for()
    assert console.client.standing_list() == []
    assert page.errors == []


def test_a_search_is_watched_for(page, console):
    page.goto(console.url + "/search?sighting=blue-1")
    page.get_by_role("button", name="Watch for it").click()
    dialog(page).get_by_label("Name").fill("the blue one")
    dialog(page).get_by_role("button", name="Watch").click()
    page.get_by_text("Watched for from now on").wait_for()
    (query,) = console.client.standing_list()
    assert (query.name, query.sighting_ids) == ("the blue one", ("blue-1",))
    console.client.standing_delete(query.standing_id)


def test_the_gallery_is_filtered_kept_exported_and_deleted_with_a_reason(page, console, axe, tmp_path):
    for n in range(30):
        console.see(f"extra-{n}", BLUE, "east", f"extra-{n:02d}", ago_s=600 + n)
    console.see("gone-1", BLUE, "east", "gone", ago_s=500)
    page.goto(console.url + "/gallery")
    page.get_by_role("button", name="Older").click()
    page.get_by_text("shown 26 -").wait_for()
    page.get_by_role("combobox", name="Colours").click()
    page.get_by_role("option", name="red").click()
    page.keyboard.press("Escape")
    page.get_by_text("1 vehicle, shown 1 - 1").wait_for()
    page.get_by_role("checkbox", name="Choose id-red").click()
    page.get_by_text("1 chosen").wait_for()
    page.get_by_role("button", name="Keep", exact=True).click()
    page.get_by_text("· enrolled").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    download.value.save_as(tmp_path / "export")
    exported = [s.identity_id for chunk in read_archive(tmp_path / "export") for s in chunk.sightings]
    assert set(exported) == {"id-red"}
    keep(page, "gallery-filtered")

    page.goto(console.url + "/gallery")
    page.get_by_role("checkbox", name="Choose gone").click()
    page.get_by_role("button", name="Delete").click()
    dialog(page).get_by_role("button", name="Delete").click()
    page.get_by_text("Give a reason.").wait_for()
    assert grave(axe, page) == []
    keep(page, "dialog-delete")
    dialog(page).get_by_label("Reason").fill("asked for by its owner")
    dialog(page).get_by_role("button", name="Delete").click()
    page.get_by_text("the audit log says why").wait_for()
    page.goto(console.url + "/system")
    page.get_by_text("asked for by its owner").wait_for()
    page.get_by_text("delete_identity").first.wait_for()


def test_mistakes_are_found_and_mended(page, console):
    console.see("twin-1", RED, "south", "twin", ago_s=900)
    page.goto(console.url + "/gallery")
    page.get_by_role("combobox", name="Colours").click()
    page.get_by_role("option", name="red").click()
    page.keyboard.press("Escape")
    page.get_by_text("2 vehicles").wait_for()
    page.get_by_role("button", name="Look for mistakes").click()
    page.get_by_text("Two ids look like one vehicle").wait_for()
    keep(page, "findings")
    page.locator(".row", has_text="Two ids look like one vehicle").get_by_role("button", name="Merge").last.click()
    page.get_by_text("Done; the audit log says so.").wait_for()
    assert (
        console.client.identity_get("twin").record.identity_id
        == console.client.identity_get("id-red").record.identity_id
    )


def test_a_vehicle_is_enrolled_by_pictures(page, console):
    page.goto(console.url + "/gallery")
    page.get_by_role("button", name="Enrol a vehicle").click()
    dialog(page).get_by_role("combobox", name="Class").wait_for()
    file = {"name": "a.png", "mimeType": "image/png", "buffer": picture((BLUE, (10, 10, 110, 100)))}
    dialog(page).locator("input[type=file]").set_input_files(file)
    dialog(page).get_by_text("1 picture").wait_for()
    keep(page, "dialog-enrol")
    dialog(page).get_by_role("button", name="Enrol").click()
    page.get_by_text("Enrolled as").wait_for()


def test_a_picture_is_pasted_and_a_box_drawn(page, console):
    page.goto(console.url + "/search")
    page.get_by_text("Nothing asked yet.").wait_for()
    data = base64.b64encode(picture((RED, (10, 10, 110, 100)), (BLUE, (130, 40, 190, 90)))).decode()
    page.evaluate(
        """data => { const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
            const files = new DataTransfer(); files.items.add(new File([bytes], 'q.png', { type: 'image/png' }));
            document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: files })); }""",
        data,
    )
    page.get_by_role("button", name="Vehicle 2 (car)").wait_for()
    image = page.locator(".vr-image img")
    page.wait_for_function("document.querySelector('.vr-image img').naturalWidth === 200")
    box = image.bounding_box()
    scale = box["width"] / 200
    page.mouse.move(box["x"] + 125 * scale, box["y"] + 35 * scale)
    page.mouse.down()
    page.mouse.move(box["x"] + 195 * scale, box["y"] + 95 * scale)
    page.mouse.up()
    first = "document.querySelector('a[href^=\"/identity/\"]')"
    page.wait_for_function(f"{first} && {first}.getAttribute('href') !== '/identity/id-red'")
    page.get_by_text("drawn").wait_for()
    keep(page, "search-drawn")


def test_a_vehicle_is_picked_from_a_paused_camera(page, console):
    page.goto(console.url + "/")
    page.wait_for_function("[...document.querySelectorAll('.vr-image img')].some(i => i.naturalWidth === 640)")
    page.get_by_role("button", name="Pause north").click()
    page.get_by_role("button", name="Search in it").click()
    page.get_by_role("button", name=re.compile("Vehicle 1")).wait_for()
    page.locator('a[href^="/identity/"]').first.wait_for()
    keep(page, "search-from-camera")
    page.go_back()
    page.get_by_role("link", name=re.compile("car")).first.wait_for()


def test_an_unknown_visitor_downloads_nothing_by_another_name(page, console):
    assert page.request.get(console.url + "/media/export?identity=a b").status == 403
    assert page.request.get(console.url + "/media/export?identity=nobody").status == 409


def test_a_long_history_is_shown_in_pages_and_nobody_has_no_corrections(page, console):
    for n in range(60):
        console.see(f"long-{n:02d}", BLUE, "east", "id-long", ago_s=4000 - 10 * n)
    page.goto(console.url + "/identity/id-long")
    page.get_by_text("11 - 60 of 60").wait_for()
    assert page.locator("table[aria-label=Sightings] tbody tr").count() == 50
    page.get_by_role("button", name="Older").click()
    page.get_by_text("1 - 10 of 60").wait_for()
    assert page.locator("table[aria-label=Sightings] tbody tr").count() == 10
    console.client.gallery_delete("id-long")
    page.goto(console.url + "/identity/nobody")
    page.get_by_text("There is no such vehicle").wait_for()
    assert not page.get_by_role("button", name="Merge").is_visible()


def test_a_query_of_a_vehicle_is_shown_by_its_picture(page, console):
    query = console.client.standing_create("by its id", [Probe(identity_id="id-red")])
    page.goto(console.url + "/alerts")
    page.get_by_role("heading", name="by its id").wait_for()
    shown = page.get_by_role("img", name="What is watched for")
    assert shown.get_attribute("src").startswith("/media/picture/")
    console.client.standing_delete(query.standing_id)
