#!/usr/bin/env bash
# Everything that needs a GPU, within three minutes: tests, then the benchmark. Results go to a folder.
#
#   scripts/gpu_suite.sh FOLDER        uses python3, or what PYTHON names; torch and faiss-gpu must be importable
set -uo pipefail
cd "$(dirname "$0")/.."
out=${1:?folder for the results}
python=${PYTHON:-python3}
mkdir -p "$out"
export PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}$PWD" YOLO_OFFLINE=true
failed=0

"$python" - "$out/environment.json" <<'PY' || exit 1
import json, platform, sys
import torch, faiss
found = {
    "python": platform.python_version(), "torch": torch.__version__, "cuda": torch.version.cuda,
    "faiss": faiss.__version__, "faiss_gpus": faiss.get_num_gpus() if hasattr(faiss, "get_num_gpus") else 0,
    "gpu": torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
    "capability": torch.cuda.get_device_capability(0) if torch.cuda.is_available() else None,
}
json.dump(found, open(sys.argv[1], "w"), indent=1)
print(found)
PY

run_tests() { # name, seconds allowed, paths...
    local name=$1 limit=$2
    shift 2
    timeout "$limit" "$python" -m pytest -q -m gpu -p no:cacheprovider -o filterwarnings=default \
        --junitxml="$out/$name.xml" "$@" >"$out/$name.txt" 2>&1 || failed=1
    tail -n 3 "$out/$name.txt"
}

run_tests index 90 tests/contract/vector_index tests/unit/services/matcher/test_on_gpu.py
timeout 150 "$python" - "$out/bench.json" >"$out/bench.txt" 2>&1 <<'PY' || failed=1
import json, sys
from benchmarks.gpu.run import GpuBench, bench_gpu
from benchmarks.gpu.search import SearchBench
document = bench_gpu(GpuBench(SearchBench(seconds=1.0)), lambda done, total: print(done, "of", total, flush=True))
json.dump(document, open(sys.argv[1], "w"), indent=1)
PY
tail -n 3 "$out/bench.txt"
run_tests reid 90 tests/unit/reid/test_on_cuda.py
exit $failed
