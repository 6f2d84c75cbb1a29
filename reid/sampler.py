"""PK batches: P vehicles × K pictures each, look-alikes side by side, positives from as many cameras as there are.

Knows no pixels, and how alike vehicles are only by what it is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np

from reid.data import Sample
from reid.errors import DataError

#: Domain and vehicle.
Identity = tuple[str, str]

#: Of each vehicle the others of its domain, most alike first.
Alike = Mapping[Identity, Sequence[Identity]]


@dataclass(frozen=True, slots=True)
class PKSettings:
    """Shape and balance of batches.

    Attributes:
        vehicles: P, vehicles in a batch.
        pictures: K, pictures of each.
        batches: In an epoch.
        balance: How much rare classes are lifted: a class is drawn ~ (its vehicles) ** (1 − balance), so 0 keeps the
            data's shares and 1 draws all classes alike.
        domain_shares: Relative share of each domain in the pictures drawn; domains not named get share 1.
        domain_pictures: K of a domain that has fewer pictures of a vehicle; more vehicles fill its place then.
        block: Vehicles that come together: one drawn, the others look like it. 1 draws each alone; where a domain has
            a K of its own, so many more come that K pictures per vehicle of the block are filled.
    """

    vehicles: int = 16
    pictures: int = 4
    batches: int = 50
    balance: float = 0.5
    domain_shares: Mapping[str, float] | None = None
    domain_pictures: Mapping[str, int] | None = None
    block: int = 1

    def __post_init__(self) -> None:
        if self.vehicles < 2 or self.pictures < 2 or self.batches < 1:
            raise ValueError(
                f"needs P >= 2, K >= 2, batches >= 1, got {self.vehicles}, {self.pictures}, {self.batches}"
            )
        if not 0 <= self.balance <= 1:
            raise ValueError(f"balance must be in [0, 1], got {self.balance}")
        if self.block < 1 or any(not 2 <= k <= self.pictures for k in (self.domain_pictures or {}).values()):
            raise ValueError("needs block >= 1, and K of a domain between 2 and K")

    def pictures_of(self, domain: str) -> int:
        """K of a domain."""
        return (self.domain_pictures or {}).get(domain, self.pictures)

    def companions(self, domain: str) -> int:
        """How many vehicles come with one that is drawn, because they look like it."""
        return self.block * self.pictures // self.pictures_of(domain) - 1


class PKSampler:
    """Draws the batches of an epoch; the same seed and epoch draw the same ones, whatever was drawn before.

    Vehicles are drawn without repeats within a batch: first a (domain, class) group, then a vehicle of it, then those
    that look like it. Mining looks for hard negatives within the batch, and by chance alone there are few. Pictures
    come camera by camera in random order, so that K pictures show as many cameras as they can; a vehicle with fewer
    than K pictures has some repeated (augmentation makes them differ).

    Source:
        Blocks: after Liao & Shao 2022, "Graph Sampling Based Deep Metric Learning for Generalizable Person
        Re-Identification", with several short lists of neighbours in a batch instead of one long one.
    """

    def __init__(self, samples: Sequence[Sample], settings: PKSettings, seed: int) -> None:
        """Groups the samples.

        Args:
            samples: What to draw from; results are indices into it.
            settings: Shape and balance.
            seed: Of everything drawn.

        Raises:
            DataError: Fewer than P vehicles.
        """
        self._settings = settings
        self._seed = seed
        self._by_camera: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        groups: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        kinds: dict[tuple[str, str], str] = {}
        for index, sample in enumerate(samples):
            self._by_camera[sample.identity][sample.camera].append(index)
            kind = kinds.setdefault(sample.identity, sample.kind)  # One class each, whatever single pictures say.
            groups[sample.domain, kind].add(sample.identity)
        places = sum(settings.pictures_of(domain) for domain, _ in self._by_camera)
        if places < settings.vehicles * settings.pictures:
            raise DataError(f"{len(self._by_camera)} vehicles are too few for batches of {settings.vehicles}")
        self._groups = {group: sorted(members) for group, members in sorted(groups.items())}
        self._group_of = {identity: group for group, members in self._groups.items() for identity in members}

    @property
    def draws_blocks(self) -> bool:
        """Whether anything asks which vehicles are alike."""
        return any(self._settings.companions(domain) for domain in {domain for domain, _ in self._by_camera})

    def group_weights(self) -> dict[tuple[str, str], float]:
        """Probability of each (domain, class) group at a draw; sums to 1."""
        shares = self._settings.domain_shares or {}
        lifted = {g: len(members) ** (1 - self._settings.balance) for g, members in self._groups.items()}
        in_domain: dict[str, float] = defaultdict(float)
        for (domain, _), weight in lifted.items():
            in_domain[domain] += weight
        total = sum(shares.get(domain, 1.0) for domain in in_domain)
        return {g: shares.get(g[0], 1.0) / total * weight / in_domain[g[0]] for g, weight in lifted.items()}

    def epoch(self, number: int, alike: Alike | None = None) -> Iterator[list[int]]:
        """Yields the batches of an epoch.

        Args:
            number: Of the epoch.
            alike: Vehicles by likeness, from `reid.lookalikes`; without it those of one domain and class are alike.

        Yields:
            P × K sample indices, those of a vehicle side by side.
        """
        rng = np.random.default_rng((self._seed, number))
        groups = list(self._groups)
        weights = np.array([*self.group_weights().values()])
        # Each group is dealt like a pack of cards, so that all its vehicles come up before one comes again.
        packs: dict[tuple[str, str], list[Identity]] = {group: [] for group in groups}
        size = self._settings.vehicles * self._settings.pictures
        for _ in range(self._settings.batches):
            chosen: set[Identity] = set()
            left = {group: len(members) for group, members in self._groups.items()}
            batch: list[int] = []
            while len(batch) < size:
                open_groups = [i for i, group in enumerate(groups) if left[group]]
                odds = weights[open_groups]
                group = groups[int(rng.choice(open_groups, p=odds / odds.sum()))]
                drawn = self._deal(group, packs, chosen, rng)
                for identity in [drawn, *self._look_alikes(drawn, group, alike, chosen, rng)]:
                    chosen.add(identity)
                    left[self._group_of[identity]] -= 1
                    batch += self._pictures(identity, size - len(batch), rng)
            yield batch

    def _look_alikes(
        self,
        drawn: Identity,
        group: tuple[str, str],
        alike: Alike | None,
        chosen: Set[Identity],
        rng: np.random.Generator,
    ) -> list[Identity]:
        """The rest of a block: some of the vehicles most like the one drawn, not always the same."""
        wanted = self._settings.companions(group[0])
        if not wanted:
            return []
        known = alike.get(drawn, ()) if alike is not None else self._groups[group]
        free = [identity for identity in known if identity != drawn and identity not in chosen]
        if alike is not None:
            free = free[: 2 * wanted]
        return [free[i] for i in rng.permutation(len(free))[:wanted]]

    def _deal(
        self,
        group: tuple[str, str],
        packs: dict[tuple[str, str], list[Identity]],
        chosen: Set[Identity],
        rng: np.random.Generator,
    ) -> Identity:
        """The next vehicle of a group that is not in the batch yet; one that is keeps its place in the pack."""
        while True:
            for place in reversed(range(len(packs[group]))):
                if packs[group][place] not in chosen:
                    return packs[group].pop(place)
            members = self._groups[group]
            packs[group][:0] = [members[i] for i in rng.permutation(len(members))]

    def _pictures(self, identity: Identity, room: int, rng: np.random.Generator) -> list[int]:
        """K pictures of a vehicle, one camera after another; fewer where there is no room for more."""
        wanted = min(self._settings.pictures_of(identity[0]), room)
        cameras = [list(rng.permutation(indices)) for indices in self._by_camera[identity].values()]
        available = sum(len(camera) for camera in cameras)
        picked: list[int] = []
        while len(picked) < min(wanted, available):
            for c in rng.permutation(len(cameras)):
                if cameras[c] and len(picked) < wanted:
                    picked.append(int(cameras[c].pop()))
        return [picked[i % len(picked)] for i in range(wanted)]
