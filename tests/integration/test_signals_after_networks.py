"""Networks that come and go in one process leave its signal handlers a stack to run on.

OpenVINO's CPU plugin puts its own in the place of Python's and takes it away with the last network of a core; a core
for each network killed the process at the next signal, now and then.
"""

import subprocess
import sys

from detector.settings import DetectorSettings
from services.models.store import ModelStore

_SCRIPT = """
import signal, subprocess, sys
from pathlib import Path
from detector.settings import DetectorSettings
from detector.yolo import OpenVinoDetector
from reid.runtime import OpenVinoEmbedder

detector, embedder = map(Path, sys.argv[1:])
opened = []
for _ in range(3):  # Each is opened before the one that it takes the place of is closed.
    opened.append((OpenVinoDetector(detector, DetectorSettings(), threads=1), OpenVinoEmbedder(embedder, threads=1)))
    del opened[:-1]
opened.clear()
told = []
signal.signal(signal.SIGCHLD, lambda *_: told.append("a child has ended"))
subprocess.run(["true"], check=True)
print(*told)
"""


def test_a_signal_is_handled_after_networks_were_replaced():
    store = ModelStore(offline=True)
    detector = store.prepare("yolov8n", DetectorSettings().input_hw) / "model.xml"
    embedder = store.prepare("vreid-mobilenetv2")
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", _SCRIPT, str(detector), str(embedder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == "a child has ended\n"
