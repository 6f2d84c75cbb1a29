import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

GUARD = """
import sys
FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request")
def guard(event, args):
    if event in FORBIDDEN:
        sys.stderr.write(f"reached for the network: {event} {args}\\n")
        raise RuntimeError(event)
sys.addaudithook(guard)
"""


def run(code, *args):
    program = GUARD + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, args)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_detecting_reports_nothing_and_loads_no_torch(model_xml):
    done = run(
        """
        import sys
        from pathlib import Path
        import numpy as np
        from detector.settings import DetectorSettings
        from detector.yolo import OpenVinoDetector
        OpenVinoDetector(Path(sys.argv[1]), DetectorSettings(), threads=1).detect([np.zeros((90, 160, 3), np.uint8)])
        loaded = {name.split(".")[0] for name, module in sys.modules.items() if module is not None}
        assert not loaded & {"torch", "ultralytics", "torchreid", "openvino_telemetry"}, loaded
        """,
        model_xml,
    )
    assert done.returncode == 0, done.stderr
    assert "network" not in done.stderr


def test_converting_reports_nothing(tmp_path):
    from services.models.store import ModelStore

    checkpoint = ModelStore(offline=True).fetch("yolov8n")
    done = run(
        """
        import sys
        from services.models.conversion import main
        code = main(["yolo", *sys.argv[1:3], "--input-hw", "64", "96"])
        import threading, time
        time.sleep(0.5)
        raise SystemExit(code)
        """,
        checkpoint,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "network" not in done.stderr
    assert (tmp_path / "model.xml").exists()
