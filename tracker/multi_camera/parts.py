"""What an associator is made of. Owns how parts are put together, and their learned state as one; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reid.types import Calibration
from tracker.multi_camera.decisions.closed import Closed
from tracker.multi_camera.decisions.verdicts import IdFactory, Verdicts
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.scoring.agreement import Agreement
from tracker.multi_camera.scoring.camera_means import CameraMeans
from tracker.multi_camera.scoring.score import Scorer
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.topology.origins import Recent


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one associator, which know each other.

    Attributes:
        closed: Which sightings are due for a second look.
        means: What cameras add to vectors.
        topology: What is learned of links and clocks.
        memory: The identities.
        recent: Where vehicles may have come from.
        agreement: How far early revisions are relied on.
        scorer: Judges evidence.
        verdicts: Says whose a sighting is.
    """

    closed: Closed
    means: CameraMeans
    topology: Topology
    memory: IdentityMemory
    recent: Recent
    agreement: Agreement
    scorer: Scorer
    verdicts: Verdicts

    @classmethod
    def build(
        cls, settings: AssociationSettings, calibration: Calibration, model_id: str, id_factory: IdFactory
    ) -> Parts:
        """Parts that have seen nothing; arguments as of an associator."""
        closed, topology, agreement = Closed(), Topology(settings), Agreement()
        means = CameraMeans(settings.camera_mean_min)
        memory = IdentityMemory(settings, model_id, camera_number=topology.camera, remove_camera=means.remove)
        scorer = Scorer(settings, calibration, memory, topology, agreement.reliability)
        return cls(
            closed=closed,
            means=means,
            topology=topology,
            memory=memory,
            recent=Recent(calibration, settings.max_trip_s),
            agreement=agreement,
            scorer=scorer,
            verdicts=Verdicts(settings, scorer, memory, id_factory, closed.free),
        )

    def drain_links(self) -> dict[str, str]:
        """Learned state that changed since the last call, by name, as JSON text."""
        return {**self.topology.drain_links(), **self.means.drain_links(), **self.agreement.drain_links()}

    def all_links(self) -> dict[str, str]:
        """All learned state by name, as JSON text."""
        return {**self.topology.all_links(), **self.means.all_links(), **self.agreement.all_links()}

    def load(self, links: Mapping[str, str]) -> None:
        """Takes over learned state from JSON text; entries of other kinds are left alone.

        Raises:
            ValueError: Learned state cannot be read.
        """
        self.topology.load(links)
        self.means.load(links)
        self.agreement.load(links)
