"""The identities in play, with what is compared against: mean vectors, recent visits, class and colour.

Owns who stands under which identity, and fills the rows that scoring reads. All that is in a row is a function of the
identity's members, so replaying these rebuilds it; never decides, and forgets only what is older than the longest trip.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.identities.rows import COLOURS_MAX, IdentityRows
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.types import Observation

Remove = Callable[[str, NDArray[np.float32]], NDArray[np.float32]]


@dataclass(slots=True)
class Identity:
    """One vehicle: its row in the arrays and its sightings."""

    identity_id: str
    row: int
    members: dict[str, Observation] = field(default_factory=dict)

    def ordered(self) -> list[Observation]:
        """Members by start."""
        return sorted(self.members.values(), key=lambda o: (o.start_ns, o.sighting_id))


class IdentityMemory(IdentityRows):
    """Active identities in rows of flat arrays; rows of forgotten identities are used again, ids never."""

    def __init__(
        self,
        settings: AssociationSettings,
        model_id: str,
        *,
        camera_number: Callable[[str], int],
        remove_camera: Remove,
    ) -> None:
        super().__init__(settings.visits_kept)
        self._settings = settings
        self._model_id = model_id
        self._camera_number = camera_number
        self._remove_camera = remove_camera
        self._identities: dict[str, Identity] = {}
        self._owner: dict[str, str] = {}
        self._outdated: dict[str, None] = {}
        self._alias: dict[str, str] = {}
        self._colours: dict[str, int] = {}
        #: Counts how often all vectors of some cameras changed at once, those of sightings not remembered too.
        self.renewed = 0
        # The same of each camera.
        self._renewals: Counter[str] = Counter()

    # ------------------------------------------------------------------ reading

    def __len__(self) -> int:
        return len(self._identities)

    def __contains__(self, identity_id: str) -> bool:
        return identity_id in self._identities

    @property
    def identity_ids(self) -> tuple[str, ...]:
        """Living identities."""
        return tuple(self._identities)

    def owner(self, sighting_id: str) -> str | None:
        """The identity a sighting stands under, None when it is not remembered."""
        return self._owner.get(sighting_id)

    def members(self, identity_id: str) -> list[Observation]:
        """Sightings of a living identity by start; empty when it is not remembered."""
        identity = self._identities.get(identity_id)
        return identity.ordered() if identity else []

    def row(self, identity_id: str) -> int:
        """Row of a living identity. Raises KeyError when it is not remembered."""
        return self._identities[identity_id].row

    def resolve(self, identity_id: str) -> str:
        """The identity behind an alias; the id itself when it is none."""
        seen = identity_id
        while seen in self._alias:
            seen = self._alias[seen]
        return seen

    def observation(self, sighting_id: str) -> Observation | None:
        """The revision of a sighting that counts now."""
        owner = self._owner.get(sighting_id)
        return None if owner is None else self._identities[owner].members[sighting_id]

    def all_members(self) -> Iterable[tuple[Observation, str]]:
        """Every remembered sighting with its identity."""
        for identity in self._identities.values():
            for observation in identity.ordered():
                yield observation, identity.identity_id

    def colour_vector(self, observation: Observation) -> NDArray[np.float64]:
        """Colour probabilities by the memory's numbering of names, (COLOURS_MAX,); zeros when unknown."""
        vector = np.zeros(COLOURS_MAX)
        for name in sorted(observation.colour):
            number = self._colours.setdefault(name, len(self._colours))
            if number < COLOURS_MAX:
                vector[number] = observation.colour[name]
        return vector

    @property
    def colours_known(self) -> int:
        """Colour names met so far, at most COLOURS_MAX."""
        return min(max(len(self._colours), 1), COLOURS_MAX)

    def renewals(self, camera_id: str) -> int:
        """How often all vectors of a camera changed at once."""
        return self._renewals[camera_id]

    def query_vector(self, observation: Observation) -> NDArray[np.float32] | None:
        """What of an observation is compared, camera share removed: (D,); None for another model."""
        if observation.model_id != self._model_id:
            return None
        return np.asarray(self._remove_camera(observation.camera_id, observation.embedding[None, :])[0])

    def query_vectors(self, observations: Sequence[Observation]) -> list[NDArray[np.float32] | None]:
        """As :meth:`query_vector` of each, at once."""
        places: dict[str, list[int]] = {}
        for place, observation in enumerate(observations):
            if observation.model_id == self._model_id:
                places.setdefault(observation.camera_id, []).append(place)
        found: list[NDArray[np.float32] | None] = [None] * len(observations)
        for camera_id, mine in places.items():
            vectors = self._remove_camera(camera_id, np.stack([observations[place].embedding for place in mine]))
            for place, vector in zip(mine, vectors, strict=True):
                found[place] = vector
        return found

    # ------------------------------------------------------------------ changing

    def assign(self, observation: Observation, identity_id: str) -> None:
        """Puts a sighting under an identity, which comes to life with its first; replaces an earlier revision."""
        if observation.sighting_id in self._owner:
            self.detach(observation.sighting_id)
        identity = self._identities.get(identity_id)
        if identity is None:
            identity = self._identities[identity_id] = Identity(identity_id, self._new_row(identity_id))
        identity.members[observation.sighting_id] = observation
        self._owner[observation.sighting_id] = identity_id
        self._trim(identity)
        self._refresh(identity)

    def detach(self, sighting_id: str) -> str:
        """Takes a sighting out of its identity, whose row goes when it was the last; returns the identity.

        Raises:
            KeyError: The sighting is not remembered.
        """
        identity = self._identities[self._owner.pop(sighting_id)]
        del identity.members[sighting_id]
        if identity.members:
            self._refresh(identity)
        else:
            self._drop(identity)
        return identity.identity_id

    def merge(self, survivor_id: str, absorbed_id: str) -> None:
        """Moves all sightings of one identity under another and remembers the alias."""
        absorbed = self._identities[absorbed_id]
        survivor = self._identities[survivor_id]
        for sighting_id in absorbed.members:
            self._owner[sighting_id] = survivor_id
        survivor.members.update(absorbed.members)
        absorbed.members.clear()
        self._drop(absorbed)
        self._alias[absorbed_id] = survivor_id
        self._trim(survivor)
        self._refresh(survivor)

    def forget_before(self, oldest_s: float, latest_s: float = np.inf) -> list[str]:
        """Drops identities last seen before that time, or later than can be; returns their sightings.

        What stands in view is seen, though it sends no revision while nothing about it changes.
        """
        seen_s = self.last_seen_s[: self.used]
        out = np.flatnonzero((seen_s < oldest_s) | (seen_s > latest_s))
        stale = out[(seen_s[out] < np.inf) & (self.busy_until_s[out] < np.inf)]
        gone: list[str] = []
        for row in stale:
            identity = self._identities[str(self.row_ids[row])]
            gone.extend(identity.members)
            for sighting_id in identity.members:
                del self._owner[sighting_id]
            self._drop(identity)
        return gone

    def forget_aliases(self) -> None:
        """Drops aliases of identities that are not remembered any more."""
        self._alias = {a: s for a, s in self._alias.items() if self.resolve(s) in self._identities}

    def forget_sighting(self, sighting_id: str) -> None:
        """Drops a sighting that was deleted; does nothing when it is not remembered."""
        if sighting_id in self._owner:
            self.detach(sighting_id)

    def outdate(self, camera_ids: Sequence[str]) -> None:
        """Tells that the shares of cameras changed: vectors from there, in mean vectors too, are out of date."""
        self.renewed += 1
        self._renewals.update(camera_ids)
        numbers = [self._camera_number(camera_id) for camera_id in camera_ids]
        seen = self.visits.camera[: self.used, : self.visit_counts.max(initial=0)]
        renewed = np.zeros(max(int(seen.max(initial=-1)), *numbers) + 2, np.bool_)
        renewed[numbers] = True  # and the last stands for no visit, -1
        rows = np.flatnonzero(renewed[seen].any(axis=1))
        rows = rows[np.argsort(self.last_seen_s[rows], kind="stable")]
        self._outdated.update(dict.fromkeys(str(self.row_ids[row]) for row in rows.tolist()))

    @property
    def outdated(self) -> int:
        """Mean vectors that are out of date."""
        return len(self._outdated)

    def refresh_outdated(self, most: int) -> None:
        """Computes at most so many of the mean vectors anew that are out of date, of those seen last first."""
        due = [self._outdated.popitem()[0] for _ in range(min(most, len(self._outdated)))]
        identities = [self._identities[identity_id] for identity_id in due if identity_id in self._identities]
        members = [identity.ordered() for identity in identities]
        vectors = iter(self.query_vectors([o for part in members for o in part]))
        for identity, part in zip(identities, members, strict=True):
            self._note_change(identity.row)
            self._refresh_centre(identity.row, part, vectors)

    # ------------------------------------------------------------------ rows

    def _drop(self, identity: Identity) -> None:
        del self._identities[identity.identity_id]
        self._free_row(identity.row)

    def _trim(self, identity: Identity) -> None:
        excess = len(identity.members) - self._settings.visits_kept
        if excess <= 0:
            return
        for observation in [o for o in identity.ordered() if o.final][:excess]:
            del identity.members[observation.sighting_id]
            del self._owner[observation.sighting_id]

    def _refresh(self, identity: Identity) -> None:
        members = identity.ordered()
        row = identity.row
        self._clear(row)
        kept = members[-self.visits.camera.shape[1] :]
        self._write_visits(row, [self._camera_number(o.camera_id) for o in kept], kept)
        class_probs = np.asarray(sum(o.class_probs for o in members) / len(members))
        self._write_attributes(row, class_probs, self._mean_colour(members))
        self._refresh_centre(row, members, map(self.query_vector, members))

    def _mean_colour(self, members: list[Observation]) -> NDArray[np.float64]:
        known = [self.colour_vector(o) for o in members if o.colour]
        return np.mean(known, axis=0) if known else np.zeros(COLOURS_MAX)

    def _refresh_centre(
        self, row: int, members: list[Observation], vectors: Iterable[NDArray[np.float32] | None]
    ) -> None:
        """Writes the mean of the members' vectors, which come first among ``vectors``; takes no more of these."""
        known = [(v, o.detail) for o, v in zip(members, vectors, strict=False) if v is not None]
        if known:
            self._write_centre(row, *zip(*known, strict=True))
