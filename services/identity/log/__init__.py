"""The log of what happened, found by the identities that it names. Never adds to it."""
