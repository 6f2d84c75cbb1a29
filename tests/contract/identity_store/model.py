"""What an identity store must do, said another way: identities are trees of ids that sightings hang on."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Hung:
    """A sighting: its newest revision, when it ended, and the id that it hangs on (None: undecided)."""

    revision: int
    end_us: int
    final: bool
    node: str | None = None


@dataclass
class Model:
    """A forest of ids. An identity is a root; what was absorbed hangs below it and is cut off again by an undo."""

    rows: dict[str, Hung] = field(default_factory=dict)
    parent: dict[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    retired: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    marked: set[str] = field(default_factory=set)

    def root(self, identity_id: str | None) -> str | None:
        """Who an id stands for now; None where it is unknown or retired."""
        if identity_id is None or identity_id not in self.known:
            return None
        while identity_id in self.parent:
            identity_id = self.parent[identity_id]
        return identity_id

    def tree(self, identity_id: str) -> set[str]:
        """An id and all that hang below it."""
        found = {identity_id}
        while more := {child for child, parent in self.parent.items() if parent in found} - found:
            found |= more
        return found

    def members(self, identity_id: str) -> set[str]:
        """Sightings on a tree."""
        tree = self.tree(identity_id)
        return {s for s, row in self.rows.items() if row.node in tree}

    def roots(self) -> set[str]:
        """Living identities."""
        return {i for i in self.known if i not in self.parent}

    def enrolled(self, identity_id: str | None) -> bool:
        """Whether any id of a tree was enrolled."""
        return identity_id is not None and not self.marked.isdisjoint(self.tree(identity_id))

    def enrol(self, identity_id: str, yes: bool) -> None:
        """Marks a root and all that hangs below it, or takes every mark from them."""
        self.marked = self.marked | self.tree(identity_id) if yes else self.marked - self.tree(identity_id)

    def decide(self, sighting_id: str, revision: int, identity_id: str) -> bool:
        """One decision, as a commit of its own."""
        row = self.rows.get(sighting_id)
        if row is None or row.revision != revision or identity_id in self.retired:
            return False
        self.known.add(identity_id)
        target, left = self.root(identity_id), self.root(row.node)
        if left != target:
            row.node = target
            self.settle(left, target)
        return True

    def settle(self, left: str | None, target: str) -> None:
        """An identity without sightings hangs itself below where the last one went."""
        if left is not None and not self.members(left):
            self.absorb(target, left)

    def absorb(self, survivor: str, absorbed: str) -> None:
        """One root goes below another."""
        self.parent[absorbed] = survivor

    def move(self, names: set[str], to: str, former: dict[str, str] | None = None) -> None:
        """Sightings of one root change to another, each to the id that it hung on where that is part of it."""
        left = {self.root(self.rows[s].node) for s in names}
        for sighting_id in names:
            own = (former or {}).get(sighting_id)
            self.rows[sighting_id].node = own if self.root(own) == to else to
        for identity_id in left:
            self.settle(identity_id, to)

    def cut(self, identity_id: str, was_enrolled: bool) -> None:
        """An absorbed id is a root again, with all that hangs below it; enrolled if it was and the whole still is."""
        survivor = self.root(identity_id)
        if was_enrolled and self.enrolled(survivor) and not self.enrolled(identity_id):
            self.marked.add(identity_id)
        del self.parent[identity_id]
        self.settle(survivor, identity_id)

    def remove(self, names: set[str]) -> None:
        """Sightings go, and identities that are left without any, with all ids below them."""
        touched = {self.root(self.rows[s].node) for s in names}
        for sighting_id in names:
            del self.rows[sighting_id]
        self.dead |= names
        for identity_id in touched - {None}:
            if not self.members(identity_id):
                gone = self.tree(identity_id)
                self.retired |= gone
                self.known -= gone
                self.marked -= gone
                for name in gone:
                    self.parent.pop(name, None)
