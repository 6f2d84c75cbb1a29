"""Who is remembered: identities, their sightings, and the arrays that scoring reads. Never judges, never decides."""
