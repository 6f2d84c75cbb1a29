"""The chart lints and renders with Helm's own code; what it renders is valid Kubernetes and a valid configuration."""

import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("helm_python") is None, reason="needs helm-python-sdk, which has no wheel for this machine"
)

CHART = Path(__file__).resolve().parents[3] / "deploy" / "helm" / "vreid"
CAMERA = {"id": "gate", "url": "rtsp://192.0.2.7/stream"}
S3 = {"url": "s3://bucket/north", "environment": {"AWS_REGION": "eu-central-1"}, "envFromSecret": "s3"}
GOOD = {
    "default": {},
    "large": {
        "site": "north-1",
        "cameras": [CAMERA | {"user": "viewer", "password": "file:/etc/vreid/cameras/gate"}],
        "secrets": {"cameras": "vreid-cameras"},
        "reader": {"replicas": 3},
        "ingest": {"replicas": 4},
        "web": {"replicas": 2, "names": ["console.example.org"]},
        "crops": S3,
        "metrics": {"enabled": True},
        "networkPolicy": {
            "scrapers": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "clients": [{"podSelector": {"matchLabels": {"app": "client"}}}],
            "browsers": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}], "ports": [{"port": 443}]}],
        },
    },
    "gpu": {
        "matcher": {
            "image": {"repository": "registry.example.org/vreid-gpu"},
            "resources": {"limits": {"nvidia.com/gpu": 1, "memory": "16Gi"}},
        },
        "ingest": {"autoscaling": {"enabled": True, "minReplicas": 2, "maxReplicas": 6}},
        "config": {"matcher": {"index": "faiss-gpu"}, "retention": {"sighting_retention_s": 86400}},
    },
    "outside store": {
        "store": {"deploy": False, "url": "rediss://redis.example.org:6380/0"},
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
        "serviceAccount": {"create": False, "name": "mine"},
        "web": {"enabled": False},
    },
}
BAD = {
    "unknown key": ({"ingets": {"replicas": 2}}, "ingets"),
    "replicas of the one that decides": ({"matcher": {"replicas": 2}}, "replicas"),
    "password in a url": ({"cameras": [CAMERA | {"url": "rtsp://user:secret@192.0.2.7/stream"}]}, "cameras"),
    "password in the store's url": ({"store": {"deploy": False, "url": "redis://:secret@redis:6379"}}, "store"),
    "no store": ({"store": {"deploy": False}}, "store.url"),
    "readers of Milvus": ({"reader": {"replicas": 1}, "config": {"matcher": {"index": "milvus"}}}, "reader.replicas"),
    "site in config": ({"config": {"site": "other"}}, "config"),
}


@pytest.fixture(scope="module")
def cases():
    """What became of every case."""
    asked = {"chart": str(CHART), "cases": GOOD | {name: values for name, (values, _) in BAD.items()}}
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("render_chart.py")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def objects(cases):
    """Documents by case."""
    return {
        name: [
            document
            for path, text in cases[name].get("files", {}).items()
            if path.endswith(".yaml")
            for document in yaml.safe_load_all(text)
            if document
        ]
        for name in GOOD
    }


def one(documents, kind, name):
    found = [d for d in documents if d["kind"] == kind and d["metadata"]["name"] == name]
    assert len(found) == 1, f"{len(found)} {kind} {name}"
    return found[0]


def workloads(documents):
    return [d for d in documents if d["kind"] in ("StatefulSet", "Deployment")]


@pytest.mark.parametrize("name", GOOD)
def test_helm_lints_and_renders(cases, name):
    assert "error" not in cases[name]
    assert [m for m in cases[name]["lint"] if m["error"] != "icon is recommended"] == []


@pytest.mark.parametrize("name", BAD)
def test_helm_refuses(cases, name):
    assert BAD[name][1] in cases[name]["error"]


@pytest.mark.parametrize("version", ["1.27", "1.31", "1.37"])
@pytest.mark.parametrize("name", GOOD)
def test_kubernetes_takes_every_object(objects, name, version):
    assert objects[name]
    for document in objects[name]:
        kubernetes_validate.validate(document, version, strict=True)


def test_kubernetes_would_refuse_a_wrong_field(objects):
    broken = json.loads(json.dumps(workloads(objects["default"])[0]))
    broken["spec"]["template"]["spec"]["containers"][0]["reedOnly"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.31", strict=True)


@pytest.mark.parametrize("name", GOOD)
def test_roles_read_the_configuration(objects, name, read_config):
    config = read_config(one(objects[name], "ConfigMap", "vreid")["data"]["vreid.yaml"])
    assert str(config.data_dir) == "/var/lib/vreid"
    assert config.redis.password == "file:/etc/vreid/redis/password"
    if name == "gpu":
        assert config.matcher.index == "faiss-gpu"
        assert config.retention.sighting_retention_s == 86400
        assert config.matcher.listen == "0.0.0.0:50661"
    if name == "large":
        assert config.cameras[0].password == "file:/etc/vreid/cameras/gate"
        assert config.matcher.milvus_collection == "vreid_north_1"


@pytest.mark.parametrize("name", GOOD)
def test_exactly_one_decides(objects, name):
    deciding = [
        w
        for w in workloads(objects[name])
        for c in w["spec"]["template"]["spec"]["containers"]
        if c.get("args", [""])[0] == "matcher" and "--read-only" not in c["args"]
    ]
    assert [w["spec"]["replicas"] for w in deciding] == [1]


@pytest.mark.parametrize("name", GOOD)
def test_every_container_is_hardened_probed_and_bounded(objects, name):
    for work in workloads(objects[name]):
        pod = work["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        for container in pod["containers"]:
            safe = container["securityContext"]
            assert safe["readOnlyRootFilesystem"] is True
            assert safe["allowPrivilegeEscalation"] is False
            assert safe["capabilities"] == {"drop": ["ALL"]}
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
            assert "memory" in container["resources"]["limits"]
            writable = {m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")}
            assert writable <= {"/tmp", "/var/lib/vreid", "/var/lib/vreid-crops", "/data"}


@pytest.mark.parametrize("name", GOOD)
def test_mounts_name_volumes_and_the_configuration_names_mounts(objects, name):
    text = one(objects[name], "ConfigMap", "vreid")["data"]["vreid.yaml"]
    referred = {part.strip("\"',").removeprefix("file:") for part in text.split() if "/etc/vreid/" in part}
    for work in workloads(objects[name]):
        pod = work["spec"]["template"]["spec"]
        claimed = {c["metadata"]["name"] for c in work["spec"].get("volumeClaimTemplates", [])}
        volumes = {v["name"] for v in pod["volumes"]} | claimed
        mounts = [m for c in pod["containers"] for m in c["volumeMounts"]]
        assert {m["name"] for m in mounts} == volumes
        role = pod["containers"][0].get("args", [""])[0]
        if role in ("matcher", "web"):
            folders = {m["mountPath"] for m in mounts}
            missing = {r for r in referred if r.rpartition("/")[0] not in folders and "/cameras/" not in r}
            assert not missing, role


def test_selectors_find_their_pods(objects):
    for documents in objects.values():
        pods = [w["spec"]["template"]["metadata"]["labels"].items() for w in workloads(documents)]
        for document in documents:
            selector = {
                "Service": lambda d: d["spec"]["selector"],
                "PodDisruptionBudget": lambda d: d["spec"]["selector"]["matchLabels"],
                "NetworkPolicy": lambda d: d["spec"]["podSelector"]["matchLabels"],
            }.get(document["kind"])
            if selector is not None:
                found = [labels for labels in pods if selector(document).items() <= labels]
                assert len(found) == 1, document["metadata"]["name"]


def test_policies_let_through_what_is_needed_and_no_more(objects):
    policies = {d["metadata"]["name"]: d["spec"] for d in objects["large"] if d["kind"] == "NetworkPolicy"}
    assert set(policies) == {f"vreid-{part}" for part in ("store", "matcher", "reader", "ingest", "web")}
    assert all(set(p["policyTypes"]) == {"Ingress", "Egress"} for p in policies.values())
    assert not policies["vreid-store"]["egress"]
    ports = {name: [p["port"] for rule in spec["ingress"] for p in rule["ports"]] for name, spec in policies.items()}
    assert ports == {
        "vreid-store": [6379],
        "vreid-matcher": [50661, 9662],
        "vreid-reader": [50661, 9662],
        "vreid-ingest": [9661],
        "vreid-web": [8650, 9663],
    }
    assert all("from" in rule for name in ("vreid-store", "vreid-matcher") for rule in policies[name]["ingress"])


def test_many_pods_are_evicted_one_at_a_time(objects):
    budgets = {d["metadata"]["name"]: d["spec"]["maxUnavailable"] for d in objects["large"] if "Budget" in d["kind"]}
    assert budgets == {"vreid-ingest": 1, "vreid-reader": 1, "vreid-web": 1}
    assert not [d for d in objects["outside store"] if "Budget" in d["kind"]]


def test_ingest_scales_by_itself_where_asked_to(objects):
    scaler = one(objects["gpu"], "HorizontalPodAutoscaler", "vreid-ingest")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 6)
    assert scaler["scaleTargetRef"]["name"] == "vreid-ingest"
    assert "replicas" not in one(objects["gpu"], "StatefulSet", "vreid-ingest")["spec"]
    assert one(objects["gpu"], "PodDisruptionBudget", "vreid-ingest")
    assert one(objects["default"], "StatefulSet", "vreid-ingest")["spec"]["replicas"] == 1


def test_ingest_keeps_its_cameras_by_the_name_of_its_pod(objects):
    container = one(objects["large"], "StatefulSet", "vreid-ingest")["spec"]["template"]["spec"]["containers"][0]
    owner = next(e for e in container["env"] if e["name"] == "VREID_INGEST_OWNER")
    assert owner["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert {e["name"]: e.get("value") for e in container["env"]}["AWS_REGION"] == "eu-central-1"


def test_the_store_has_the_settings_that_other_deployments_use(objects):
    ours = (CHART.parents[1] / "valkey" / "valkey.conf").read_text()
    assert (CHART / "files" / "valkey.conf").read_text() == ours
    assert one(objects["default"], "ConfigMap", "vreid-store")["data"]["valkey.conf"].strip() == ours.strip()


def test_the_chart_is_of_the_release():
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((CHART.parents[2] / "pyproject.toml").read_text())["project"]
    assert chart["appVersion"] == project["version"]
