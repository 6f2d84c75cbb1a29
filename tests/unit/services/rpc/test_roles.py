"""The roles of calls: every call of the proto has one, and those that change something need more than looking."""

from services.access.roles import Role
from services.rpc import vreid_pb2
from services.rpc.roles import ROLES, role_needed

SERVICES = vreid_pb2.DESCRIPTOR.services_by_name
READS = {
    "Search", "SearchStream", "Verify", "Embed", "Watch", "List", "Get", "Stats", "Picture", "History", "Topology",
    "FindVehicles", "Events", "Predict", "Alerts", "Site",
}  # fmt: skip


def test_every_call_of_every_service_stands_in_the_table_and_nothing_else():
    proto = {name: {m.name for m in service.methods} for name, service in SERVICES.items()}
    assert {name: set(calls) for name, calls in ROLES.items()} == proto


def test_a_viewer_may_read_and_nothing_more():
    for service, calls in ROLES.items():
        for call, role in calls.items():
            assert (role is Role.VIEWER) == (call in READS), f"{service}.{call}"


def test_what_is_unknown_needs_the_highest_role_and_only_health_is_open():
    assert role_needed("/vreid.v1.NewService/Do") is Role.ADMIN
    assert role_needed("/vreid.v1.GalleryService/New") is Role.ADMIN
    assert role_needed("/other.Service/Do") is Role.ADMIN
    assert role_needed("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo") is Role.VIEWER
    assert role_needed("/grpc.health.v1.Health/Watch") is None
