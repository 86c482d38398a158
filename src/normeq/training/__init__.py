"""Training: what a run is, and the loop that carries it out."""
