"""Access to the HTTP side: `--web.config.file`, TLS, passwords, and what keeps one client from being in others' way."""
