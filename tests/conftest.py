"""The order of the tests."""

# A process takes a file at a time. These take the longest: begun last, one process would wait for the other.
LONG = ("tests/workflow/", "tests/test_benchmarks.py", "tests/suite/campaign/", "tests/suite/training/")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
