"""The names of all keys. Owns the schema; never talks to a server.

Every key of a site starts with ``vreid:{site}:``. The braces are literal: a Redis Cluster hashes what stands between
them, so one site is one slot and a script over its keys is atomic there too.

===========================  ======  ===================================================================================
key                          type    what it holds
===========================  ======  ===================================================================================
``sighting:<id>``            hash    its newest revision (see codec.py), and ``identity_id`` as assigned (perhaps an
                                     alias by now), ``put_at_ns``, ``log_position`` of its last put; vectors of a
                                     second model, while the site changes it, in ``beside_*``
``purge:<id>``               hash    a deleted sighting of which something is still held: ``at_ns``, ``op``, ``actor``,
                                     ``crop_keys``, ``identity_id``, and ``wait:<holder>`` for each that holds
``identity:<id>``            hash    ``status`` of the latest decision; ``enrolled`` where it is: a list of the ids
                                     that were, its own and such as were merged into it; exists while the identity
                                     lives
``identity:<id>:sightings``  zset    its sightings by end time (µs)
``identity:<id>:aliases``    set     ids merged into it
``identity:<id>:events``     zset    positions of the events that are kept and name this very id, oldest first; goes
                                     with the last of them
``active``                   zset    living identities by last seen (µs)
``parents``                  hash    absorbed id -> who absorbed it, though that one may be absorbed by now
``corrected``                set     living identities that a person put right, or that one was merged into
``alias``                    hash    retired id -> living one, or "" once that was deleted: no id comes back
``timeline``                 zset    every sighting by end time (µs), for scans and retention
``provisional``              zset    sightings that are not final by the time of their last put (µs)
``retired``                  zset    deleted identities and their aliases by time of deletion (µs)
``outbox``                   zset    sightings that have a ``purge:<id>``, by time of deletion (µs)
``views``                    hash    who follows ``events``: name -> position and when that was said (ns)
``tombstones``               zset    deleted sightings by time of deletion (µs): a late revision stays out
``links``                    hash    learned state of the association by name
``cursor``                   string  last entry of ``sightings`` that the associator has dealt with
``last_commit``              hash    id and outcome of the last commit and of the last correction by a person, so that a
                                     repeated one changes nothing
``roll``                     hash    which model's vectors are compared, ``active_id`` and ``active_name``; while it is
                                     changed the ``other_id`` and ``other_name``; ``stage``, ``started_at_ns``,
                                     ``changed_at_ns``; missing until the model is changed for the first time
``means:<model_id>``         hash    learned state of the association that goes with a model, while another is active
``openers``                  hash    processes that have networks open: name -> ``<at_ns> <model_id> …``
``camera:<id>``              hash    a camera's configuration and state
``cameras``                  set     ids of all cameras
``lease:<name>``             hash    ``owner`` and ``token`` of a living lease; expires
``fence:<name>``             string  largest token ever given for that lease; expires well after it where the name is
                                     of PASSING and comes once, never otherwise
``sightings``                stream  work: ``sighting_id``, ``revision``, ``op``
``events``                   stream  what happened; entry ids are the log positions
``events:indexed``           string  ``whole`` once older events stand in the indexes of identities as well, until then
                                     how far they do
``audit``                    stream  who changed or deleted what, and when
``standing``                 hash    standing queries by id (see standing/contract.py)
``alerts``                   hash    what they raised: ``<standing query>:<sighting>`` -> its text
``alerts:newest``            zset    all alerts by time (µs)
``alerts:open``              zset    those that nobody has taken note of
``alerts:acknowledged``      hash    of the others, when (ns) and by whom
``standing:position``        string  last entry of ``events`` that standing queries have seen
===========================  ======  ===================================================================================

Streams are trimmed by MINID: ``sightings`` at ``cursor``, ``events`` at the smallest position of ``views`` but not
before the history that is kept has passed, ``audit`` by age. ``tombstones`` and ``retired`` go, with the ids in
``alias`` that stand for nothing, once no writer can still hold them.
"""

from __future__ import annotations

import re

#: The lease of whoever decides; a correction by a person ends its token.
ASSOCIATOR_LEASE = "associator"
#: The lease of whoever makes the streams and the server's files anew.
REWRITE_LEASE = "rewrite"

#: What stands behind an identity's id in the keys of what belongs to it: sightings, aliases, events.
IDENTITY_PARTS = (":sightings", ":aliases", ":events")
#: How the names of leases begin that one holder takes and nobody after it: of a camera's session, of one write.
PASSING = ("session:", "enrolment-")
#: For so long after such a lease its fence still stands. Where none stands, every token is refused.
FENCE_BEYOND_S = 86_400.0

_SITE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


def fence_lasts_s(lease_name: str, ttl_s: float) -> float | None:
    """How long the fence of a lease that lives for ``ttl_s`` is kept; None for ever.

    >>> fence_lasts_s("session:1", 10.0), fence_lasts_s("associator", 10.0)
    (86410.0, None)
    """
    return ttl_s + FENCE_BEYOND_S if lease_name.startswith(PASSING) else None


class Keys:
    """Builds the keys of one site.

    >>> Keys("north").sighting("7")
    'vreid:{north}:sighting:7'
    """

    def __init__(self, site: str) -> None:
        if not _SITE.fullmatch(site):
            raise ValueError(f"site must be lower-case letters, digits, '-' or '_', got {site!r}")
        self.prefix = f"vreid:{{{site}}}:"
        self.events = self.prefix + "events"
        self.sightings = self.prefix + "sightings"
        self.alias = self.prefix + "alias"
        self.active = self.prefix + "active"
        self.timeline = self.prefix + "timeline"
        self.provisional = self.prefix + "provisional"
        self.tombstones = self.prefix + "tombstones"
        self.audit = self.prefix + "audit"
        self.links = self.prefix + "links"
        self.cursor = self.prefix + "cursor"
        self.last_commit = self.prefix + "last_commit"
        self.cameras = self.prefix + "cameras"
        self.outbox = self.prefix + "outbox"
        self.views = self.prefix + "views"
        self.retired = self.prefix + "retired"
        self.parents = self.prefix + "parents"
        self.corrected = self.prefix + "corrected"
        self.standing = self.prefix + "standing"
        self.standing_position = self.prefix + "standing:position"
        self.alerts = self.prefix + "alerts"
        self.alerts_newest = self.prefix + "alerts:newest"
        self.alerts_open = self.prefix + "alerts:open"
        self.alerts_acknowledged = self.prefix + "alerts:acknowledged"
        self.roll = self.prefix + "roll"
        self.openers = self.prefix + "openers"
        self.events_indexed = self.prefix + "events:indexed"

    def sighting(self, sighting_id: str) -> str:
        """Hash of one sighting."""
        return f"{self.prefix}sighting:{sighting_id}"

    def purge(self, sighting_id: str) -> str:
        """Hash of a deleted sighting of which something is still held."""
        return f"{self.prefix}purge:{sighting_id}"

    def identity(self, identity_id: str) -> list[str]:
        """The four keys of one identity: hash, sightings, aliases, events."""
        base = f"{self.prefix}identity:{identity_id}"
        sightings, aliases, _ = IDENTITY_PARTS
        return [base, base + sightings, base + aliases, self.events_of(identity_id)]

    def events_of(self, identity_id: str) -> str:
        """Where the events stand that name an identity."""
        return f"{self.prefix}identity:{identity_id}{IDENTITY_PARTS[2]}"

    def means(self, model_id: str) -> str:
        """Hash of what the association has learned with a model that is not active."""
        return f"{self.prefix}means:{model_id}"

    def camera(self, camera_id: str) -> str:
        """Hash of one camera."""
        return f"{self.prefix}camera:{camera_id}"

    def lease(self, name: str) -> str:
        """Hash of a living lease."""
        return f"{self.prefix}lease:{name}"

    def fence(self, name: str) -> str:
        """Largest token ever given for a lease."""
        return f"{self.prefix}fence:{name}"

    def fixed(self, lease_name: str = "") -> list[str]:
        """What every script gets first, in the order that ``lib.lua`` names them."""
        return [
            self.events,
            self.sightings,
            self.alias,
            self.active,
            self.timeline,
            self.provisional,
            self.tombstones,
            self.audit,
            self.links,
            self.cursor,
            self.last_commit,
            self.fence(lease_name),
            self.outbox,
            self.views,
            self.retired,
            self.parents,
            self.standing,
            self.alerts,
            self.alerts_newest,
            self.alerts_open,
            self.alerts_acknowledged,
            self.roll,
            self.corrected,
        ]
