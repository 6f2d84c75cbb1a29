"""Tracklets of many cameras to identities, online. Owns which sightings are one vehicle; does no I/O.

``associate`` is the way in; each room reads only those below it: ``decisions`` (who is who), ``scoring`` (what the
evidence says), ``topology`` (what is learned of a site) and ``identities`` (who is remembered), ``links`` and
``clocks``.
"""
