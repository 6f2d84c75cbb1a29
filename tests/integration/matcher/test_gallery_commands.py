"""What `vreid gallery` and `vreid query` say when something is in the way; nothing that was done is lost or hidden."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from benchmarks.matcher.hostile import bomb
from services.cli import query as query_module
from services.client import MatcherClient
from services.errors import MatcherUnavailable

RED, BLUE = (0, 0, 250), (250, 0, 0)


@pytest.fixture
def folder(tmp_path: Path, picture) -> Path:
    """Two pictures of vehicles and four files that are none, in one folder."""
    here = tmp_path / "in"
    here.mkdir()
    for name, data in {
        "a.png": picture(RED),
        "b.jpg": b"hello\n",
        "c.png": b"",
        "d.png": bomb(60_000, 60_000),
        "e.png": picture(BLUE)[:120],
        "f.png": picture(BLUE),
        "g.txt": b"not asked for",
    }.items():
        (here / name).write_bytes(data)
    return here


def test_what_cannot_be_used_is_named_with_its_reason_once(keeper, kept, folder: Path) -> None:
    result = keeper("gallery", "add", folder, "--json", code=1)
    document = json.loads(result.stdout)
    assert [Path(entry["file"]).name for entry in document["added"]] == ["a.png", "f.png"]
    refused = {Path(entry["file"]).name: entry["reason"] for entry in document["refused"]}
    assert refused == {
        "b.jpg": "not a picture of a known format (JPEG, PNG, WEBP, BMP)",
        "c.png": "empty",
        "d.png": refused["d.png"],
        "e.png": "damaged or cut short",
    }
    assert "more pixels than the" in refused["d.png"]
    assert int(refused["d.png"].split()[-2]) < 10**9
    assert "6/6" in result.stderr
    assert kept.client.gallery_stats().sightings == 2


def test_what_was_added_before_a_failure_is_said(keeper, kept, folder: Path, monkeypatch) -> None:
    enroll, asked = MatcherClient.gallery_enroll, []

    def once(client: MatcherClient, *arguments: object, **options: object) -> object:
        asked.append(1)
        if len(asked) > 1:
            raise MatcherUnavailable("no matcher at x; is `vreid up` running?")
        return enroll(client, *arguments, **options)

    monkeypatch.setattr(MatcherClient, "gallery_enroll", once)
    result = keeper("gallery", "add", folder / "a.png", folder / "f.png", "--json", code=1)
    assert [Path(entry["file"]).name for entry in json.loads(result.stdout)["added"]] == ["a.png"]
    assert result.stderr.endswith("vreid: no matcher at x; is `vreid up` running?\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--colour", "purple"), "colour: unknown colour 'purple'"),
        (("--class", "bike"), "--class: expected car, motorcycle, bus or truck"),
        (("--identity", "nobody"), "identity_id: no identity nobody"),
    ],
    ids=["colour", "class", "identity"],
)
def test_options_that_cannot_be_end_it_at_the_first_picture(keeper, kept, folder, arguments, message) -> None:
    result = keeper("gallery", "add", folder / "a.png", folder / "f.png", *arguments, code=1)
    assert message in result.stderr
    assert not result.stdout
    assert kept.client.gallery_stats().sightings == 0


def test_a_folder_without_pictures_is_one_line(keeper, kept, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "missing", tmp_path / "*.jpg"):
        assert keeper("gallery", "add", source, code=1).output == f"vreid: {source}: no picture there\n"


@pytest.mark.parametrize("command", [
    ("identity", "show", "a\udcff"), ("identity", "merge", "a\udcff", "b"), ("identity", "undo", "1-0\udcff"),
    ("identity", "list", "--camera", "\udcff"), ("gallery", "delete", "\udcff"),
    ("identity", "split", "a", "s", "--reason", "\udcff"),
])  # fmt: skip
def test_an_argument_that_is_no_text_is_one_line(keeper, kept, command: tuple[str, ...]) -> None:
    output = keeper(*command, code=1).output
    assert output.startswith("vreid: ")
    assert output.endswith("\\udcff' is no text that can be sent; arguments must be UTF-8\n")
    assert output.count("\n") == 1


@pytest.mark.parametrize("command", [
    ("identity", "list", "--offset"), ("identity", "list", "--min-cameras"), ("gallery", "list", "--offset"),
    ("query", "x.jpg", "-k"),
])  # fmt: skip
def test_a_number_larger_than_a_request_carries_is_refused(keeper, kept, command: tuple[str, ...]) -> None:
    assert str(2**31 - 1) in keeper(*command, "3000000000", code=2).output
    if command[0] != "query":
        keeper(*command, str(2**31 - 1))


@pytest.mark.parametrize("command", ["import", "export"])
def test_a_file_that_cannot_be_is_one_line_and_no_bar(keeper, kept, tmp_path: Path, command: str) -> None:
    result = keeper("gallery", command, tmp_path / "missing" / "file", code=1)
    assert result.output.count("\n") == 1
    assert "missing" in result.output


def test_an_import_passes_over_what_was_deleted_here(keeper, kept, tmp_path: Path) -> None:
    for number in range(3):
        kept.see(f"s{number}", RED)
        kept.decide(f"s{number}", f"i{number}")
    kept.settle()
    file = tmp_path / "all.export"
    keeper("gallery", "export", file)
    keeper("gallery", "delete", "i1")
    kept.client.gallery_erase("i0")
    found = keeper("gallery", "import", file, "--json")
    assert (found["imported"], found["passed_over"]) == (0, 3)
    assert kept.client.gallery_list(10, 0)[1] == 1


def test_an_answer_is_opened_as_a_page_for_its_owner_only(keeper, kept, folder: Path, monkeypatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(query_module.webbrowser, "open", opened.append)
    keeper("gallery", "add", folder / "a.png")
    document = keeper("query", folder / "a.png", "--open", "--json")
    (address,) = opened
    page = Path(address.removeprefix("file://"))
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    text = page.read_text(encoding="utf-8")
    assert text.count("<img") == 2
    assert 'src="http' not in text
    assert document["matches"][0]["identity_id"] in text
    page.unlink()


def test_asking_about_what_is_no_picture_is_one_line(keeper, kept, folder: Path, tmp_path: Path) -> None:
    for name in ("b.jpg", "c.png", "d.png", "e.png", "missing.png"):
        for command in (
            ("query", folder / name),
            ("verify", folder / "a.png", folder / name),
            ("watch", folder / name),
        ):
            result = keeper(*command, code=1)
            assert result.output.startswith("vreid: ")
            assert result.output.count("\n") == 1


def test_a_store_that_is_away_says_not_where_it_is(kept, keeper, monkeypatch, folder: Path) -> None:
    from services.errors import StoreUnavailable

    def away(*_: object, **__: object) -> object:
        try:
            raise ConnectionError("Error 2 connecting to /srv/site/redis/server.sock")
        except ConnectionError as exc:
            raise StoreUnavailable(f"Redis: {exc}") from exc

    monkeypatch.setattr(type(kept.store), "acquire_lease", away)
    result = keeper("gallery", "add", folder / "a.png", code=1)
    assert result.stderr.endswith("vreid: the store does not answer; try again later\n")
