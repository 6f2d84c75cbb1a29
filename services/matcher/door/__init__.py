"""How calls come to the matcher: listeners with TLS, and admission by token and role. Answers none."""
