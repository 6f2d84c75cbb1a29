"""The three roles and their order. Owns nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller may do; each may do what those before it may.

    >>> Role.OPERATOR.may(Role.VIEWER), Role.VIEWER.may(Role.OPERATOR)
    (True, False)
    """

    VIEWER = "viewer"
    """Looks and searches."""
    OPERATOR = "operator"
    """Also corrects, enrols and deletes."""
    ADMIN = "admin"
    """Also erases, moves whole galleries, and sees which tokens there are."""

    @property
    def rank(self) -> int:
        """Place in the order, from 0."""
        return list(Role).index(self)

    def may(self, needed: Role) -> bool:
        """Whether this role includes ``needed``."""
        return self.rank >= needed.rank


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: Of the token, for audit and logs.
        role: What it may do.
    """

    name: str
    role: Role
