"""Equivariant twins of other people's networks: part by part, or traced where parts meet in a forward."""
