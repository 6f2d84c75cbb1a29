"""Who may do what: roles, tokens, certificates. Knows no call, no page and no store."""
