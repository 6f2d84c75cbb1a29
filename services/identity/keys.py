"""The names of all keys. Owns the schema; never talks to a server.

Every key of a site starts with ``vreid:{site}:``. The braces are literal: a Redis Cluster hashes what stands between
them, so one site is one slot and a script over its keys is atomic there too.

===========================  ======  ===================================================================================
key                          type    what it holds
===========================  ======  ===================================================================================
``sighting:<id>``            hash    its newest revision (see codec.py), and ``identity_id`` as assigned (perhaps an
                                     alias by now), ``put_at_ns``, ``log_position`` of its last put
``identity:<id>``            hash    ``status`` of the latest decision; exists while the identity lives
``identity:<id>:sightings``  zset    its sightings by end time (µs)
``identity:<id>:aliases``    set     ids merged into it
``active``                   zset    living identities by last seen (µs)
``alias``                    hash    retired id -> living one, or "" once that was deleted: no id comes back
``timeline``                 zset    every sighting by end time (µs), for scans and retention
``provisional``              zset    sightings that are not final by the time of their last put (µs)
``tombstones``               zset    deleted sightings by time of deletion (µs): a late revision stays out
``links``                    hash    learned state of the association by name
``cursor``                   string  last entry of ``sightings`` that the associator has dealt with
``last_commit``              hash    id and outcome of the last commit, so that a repeated one changes nothing
``camera:<id>``              hash    a camera's configuration and state
``cameras``                  set     ids of all cameras
``lease:<name>``             hash    ``owner`` and ``token`` of a living lease; expires
``fence:<name>``             string  largest token ever given for that lease; never expires
``sightings``                stream  work: ``sighting_id``, ``revision``, ``op``
``events``                   stream  what happened; entry ids are the log positions
``audit``                    stream  who deleted what, and when
===========================  ======  ===================================================================================

Streams grow until they are trimmed by MINID at the smallest cursor of the views that read them; ``tombstones`` may be
trimmed once no ingest can still hold a revision from before.
"""

from __future__ import annotations

import re

_SITE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


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

    def sighting(self, sighting_id: str) -> str:
        """Hash of one sighting."""
        return f"{self.prefix}sighting:{sighting_id}"

    def identity(self, identity_id: str) -> list[str]:
        """The three keys of one identity: hash, sightings, aliases."""
        base = f"{self.prefix}identity:{identity_id}"
        return [base, base + ":sightings", base + ":aliases"]

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
        ]
