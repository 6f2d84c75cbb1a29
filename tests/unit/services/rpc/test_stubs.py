from __future__ import annotations

import importlib.util
import itertools
import re
import subprocess
import sys
from pathlib import Path

from services.rpc import vreid_pb2

ROOT = Path(__file__).parents[4]


def test_the_stubs_are_current() -> None:
    spec = importlib.util.spec_from_file_location("vreid_scripts_proto", ROOT / "scripts" / "proto.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.stale() == []


def test_every_part_of_the_contract_is_documented() -> None:
    """Calls, messages, enums and their parts each follow a comment, or stand with one of their kind that does."""
    lines = (ROOT / "proto/vreid.proto").read_text(encoding="utf-8").splitlines()
    declared = re.compile(r"^(service|message|enum|  rpc) ")
    bare = [line for above, line in itertools.pairwise(lines) if declared.match(line) and "//" not in above]
    assert bare == []


def test_services_are_suffixed() -> None:
    assert vreid_pb2.DESCRIPTOR.package == "vreid.v1"
    assert all(name.endswith("Service") for name in vreid_pb2.DESCRIPTOR.services_by_name)


def test_client_and_stubs_import_nothing_heavy() -> None:
    code = (
        "import sys, services.client, services.cli.query, services.cli.gallery, services.cli.identity;"
        "heavy = {'torch', 'torchreid', 'ultralytics', 'faiss', 'openvino', 'redis', 'cv2', 'av'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


def test_the_matcher_starts_without_torch() -> None:
    code = (
        "import sys, services.matcher.__main__, services.matcher.build, detector.yolo, reid.runtime;"
        "heavy = {'torch', 'torchreid', 'ultralytics', 'torchvision'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)
