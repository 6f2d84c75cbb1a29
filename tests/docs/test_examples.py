"""Every example of code in the documents runs: against a running demo, on small files, or at least compiles."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from documents import ROOT, Said, blocks, guides

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

#: Where a document's examples are run, and the small substitutions.
BESIDE_A_SITE = {
    "docs/console.md": {
        "MatcherClient()": 'MatcherClient("127.0.0.1:50661")',
        'open("van.jpg", "rb").read()': 'open("a.jpg", "rb").read()',
    },
    "docs/from-code.md": {},
    "docs/query.md": {'"0197..."': '"{sighting}"', '"0198..."': '"{other}"', '"0199..."': '"{kept}"'},
}
ON_FILES = {
    "docs/evaluation.md": {
        "from reid.data": "from pathlib import Path\nfrom reid.runtime import OpenVinoEmbedder\n"
        "folder, embedder = Path('sets/town'), OpenVinoEmbedder(Path('pixels'))\nfrom reid.data",
    },
    "docs/city.md": {},
    "docs/city/traffic.md": {
        "hours=1.0, vehicles=1200": "hours=0.02, vehicles=12",
        "outcome =": "from pathlib import Path\nfolder = Path('recorded')\noutcome =",
    },
}
#: Those that another test runs, or that draw and so need a process of their own.
ONLY_IMPORTED = {
    "docs/city/serving.md": "tests/unit/simulator/rtsp/test_serving_doc.py runs it",
    "docs/city/datasets.md": "renders; tests/unit/simulator/dataset runs its calls",
    "docs/city/vehicles.md": "renders; tests/unit/simulator/vehicles runs its calls",
    "docs/security.md": "tests/integration/matcher/test_secured.py does this with certificates of its own",
    "CONTRIBUTING.md": "tests/unit/reid/losses/test_contributed_loss.py runs it",
}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


EXAMPLES = [said for path in guides() for said in blocks(path, "python")]


def those(table) -> list[Said]:
    return [said for said in EXAMPLES if name_of(said.path) in table]


def swapped(said: Said, table) -> str:
    code = said.text
    for old, new in table[name_of(said.path)].items():
        code = code.replace(old, new, 1)
    return code


def test_every_example_has_its_place() -> None:
    known = {*BESIDE_A_SITE, *ON_FILES, *ONLY_IMPORTED}
    assert {name_of(said.path) for said in EXAMPLES} == known


@pytest.mark.parametrize("said", those(BESIDE_A_SITE), ids=lambda said: f"{name_of(said.path)}:{said.line}")
def test_beside_a_site(said: Said, site, monkeypatch) -> None:
    from services.client import MatcherClient

    monkeypatch.chdir(site.folder)
    with MatcherClient(site.address) as client:
        identities, _ = client.identity_list(limit=1000)
        oldest = [client.identity_get(each.record.identity_id) for each in identities[-3:]]
    known = {
        "sighting": oldest[0].sightings[0].sighting_id,
        "other": oldest[1].record.identity_id,
        "kept": oldest[2].sightings[0].sighting_id,
    }
    code = re.sub(r"\{(sighting|other|kept)\}", lambda name: known[name[1]], swapped(said, BESIDE_A_SITE))
    code = code.replace("127.0.0.1:50661", site.address).replace('open("a.jpg", "rb").read()', "PICTURE")
    exec(compile(code, name_of(said.path), "exec"), {"PICTURE": (site.folder / "a.jpg").read_bytes()})


@pytest.mark.parametrize("said", those(ON_FILES), ids=lambda said: f"{name_of(said.path)}:{said.line}")
def test_on_files(said: Said, files, monkeypatch) -> None:
    monkeypatch.chdir(files.folder)
    exec(compile(swapped(said, ON_FILES), name_of(said.path), "exec"), {})


@pytest.mark.parametrize("said", those(ONLY_IMPORTED), ids=lambda said: f"{name_of(said.path)}:{said.line}")
def test_what_it_imports_is_there(said: Said) -> None:
    code, _, line = said.text.partition("# reid/objective.py\n")
    tree = ast.parse(code)
    assert ast.parse(f"{{{line.strip()}}}")
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module(imports, []), name_of(said.path), "exec"), {})


def test_the_example_in_javascript(site, tmp_path) -> None:
    (said,) = blocks(ROOT / "docs/from-code.md", "js")
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node on this machine")
    script = tmp_path / "search.js"
    script.write_text(said.text)
    looked = subprocess.run([node, "-e", "require('@grpc/grpc-js'); require('@grpc/proto-loader')"], check=False)
    if looked.returncode != 0:
        assert subprocess.run([node, "--check", script], check=False).returncode == 0
        pytest.skip("its two packages are not installed where node looks (NODE_PATH); its syntax is right")
    command = [node, script, ROOT / "proto/vreid.proto", site.address, site.folder / "vehicle.png"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0, done.stderr
    assert re.match(r"[0-9a-f-]{36} \w+ \d\.\d\d\n", done.stdout)
    broken = subprocess.run([*command[:-1], ROOT / "README.md"], capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert "NotAnImage" in broken.stderr
