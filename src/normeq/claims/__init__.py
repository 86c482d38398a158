"""The paper's claims, each with a threshold fixed beforehand, and their verdicts (docs/claims.md)."""
