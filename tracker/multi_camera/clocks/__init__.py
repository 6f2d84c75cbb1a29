"""The cameras' clocks: encounters, and the offsets, steps and drift they show. Never looks at links or identities."""
