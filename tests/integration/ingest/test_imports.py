import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
import services.ingest.__main__
from detector.telemetry import forbid_telemetry
forbid_telemetry()
import reid.runtime
loaded = {name.split(".")[0] for name, module in sys.modules.items() if module is not None}
print(sorted(loaded & {"torch", "torchvision", "torchreid", "ultralytics", "openvino_telemetry", "simulator"}))
"""


def test_serving_loads_no_training_library():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
