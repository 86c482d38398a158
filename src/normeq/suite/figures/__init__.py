"""Figures: one module per figure; each writes OUT.svg, OUT.png and OUT.csv with the plotted numbers."""
