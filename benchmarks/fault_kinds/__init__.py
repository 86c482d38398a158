"""The kinds of fault of benchmarks/faults.py."""
