"""The client's calls about standing queries, alerts, forecasts, and how the site fares. Part of MatcherClient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from services.client.messages import probe_message
from services.client.options import Probe
from services.identity.retention.contract import AuditEntry
from services.matcher.types import SearchFilter
from services.rpc import convert, convert_standing, vreid_pb2_grpc
from services.rpc import vreid_pb2 as pb
from services.rpc.convert_standing import AlertView, Forecast, SiteReport, StandingQueryView


class WatchingCalls:
    """Calls of StandingService and what a console asks beside; MatcherClient brings stubs and ``_call``."""

    _standing: vreid_pb2_grpc.StandingServiceStub
    _camera: vreid_pb2_grpc.CameraServiceStub
    _console: vreid_pb2_grpc.ConsoleServiceStub
    _call: Callable[..., Any]

    def standing_create(
        self, name: str, probes: Sequence[Probe], wanted: SearchFilter | None = None, min_probability: float = 0.0
    ) -> StandingQueryView:
        """Looks for a vehicle from now on, whether anybody listens or not.

        Args:
            name: What people call it; one line of at most 80 characters.
            probes: 1 to 16 views of the vehicle.
            wanted: Which cameras, classes and colours.
            min_probability: In [0, 1]; 0 means 0.5.
        """
        request = pb.CreateStandingRequest(
            name=name,
            probes=[probe_message(p) for p in probes],
            filter=convert.filter_to_message(wanted or SearchFilter()),
            min_probability=min_probability,
        )
        return convert_standing.standing_from_message(self._call(self._standing.Create, request, repeat=False))

    def standing_list(self) -> list[StandingQueryView]:
        """All standing queries, oldest first."""
        found: list[StandingQueryView] = []
        while True:
            answer = self._call(self._standing.List, pb.ListStandingRequest(offset=len(found)))
            found += [convert_standing.standing_from_message(query) for query in answer.queries]
            if not answer.queries or len(found) >= answer.total:
                return found

    def standing_set_active(self, standing_id: str, *, active: bool) -> StandingQueryView:
        """Pauses a standing query, or lets it go on."""
        request = pb.SetStandingActiveRequest(standing_id=standing_id, active=active)
        return convert_standing.standing_from_message(self._call(self._standing.SetActive, request, repeat=False))

    def standing_delete(self, standing_id: str) -> None:
        """Removes a standing query with its alerts."""
        self._call(self._standing.Delete, pb.DeleteStandingRequest(standing_id=standing_id), repeat=False)

    def alerts(self, limit: int = 100, offset: int = 0, *, open_only: bool = False) -> tuple[list[AlertView], int]:
        """A page of alerts, raised last first, and how many there are in all."""
        request = pb.ListAlertsRequest(limit=limit, offset=offset, open_only=open_only)
        answer = self._call(self._standing.Alerts, request)
        return [convert_standing.alert_from_message(alert) for alert in answer.alerts], answer.total

    def alerts_acknowledge(self, alert_ids: Sequence[str]) -> int:
        """Takes note of alerts; returns of how many nobody had."""
        request = pb.AcknowledgeRequest(alert_ids=alert_ids)
        return int(self._call(self._standing.Acknowledge, request, repeat=False).acknowledged)

    def camera_predict(self, camera_id: str, left_ns: int) -> Forecast:
        """Where a vehicle that left a camera (at UTC nanoseconds) is seen next."""
        request = pb.PredictRequest(camera_id=camera_id, left_at=convert.timestamp(left_ns))
        return convert_standing.forecast_from_message(self._call(self._camera.Predict, request))

    def audit(self, limit: int = 100, before_entry_id: str = "") -> list[AuditEntry]:
        """Who changed what, newest first, before an entry."""
        answer = self._call(self._console.Audit, pb.AuditRequest(limit=limit, before_entry_id=before_entry_id))
        return [convert_standing.audit_from_message(entry) for entry in answer.entries]

    def site(self) -> SiteReport:
        """How the site keeps and forgets."""
        return convert_standing.site_from_message(self._call(self._console.Site, pb.SiteRequest()))
