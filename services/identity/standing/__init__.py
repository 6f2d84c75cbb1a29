"""Standing queries and their alerts in the identity store: the contract, Redis, and the twin in memory."""
