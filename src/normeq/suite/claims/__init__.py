"""The paper's claims, each with a threshold fixed in the config, and their verdicts (docs/claims.md)."""
