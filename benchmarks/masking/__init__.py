"""Does dynamic masking help, and what beats it? See `protocol`; run with `-m`."""
