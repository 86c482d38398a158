"""Evaluation: denoisers applied to data sets, one row per measurement."""
