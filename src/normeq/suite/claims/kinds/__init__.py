"""The kinds of claim, one module each (see :mod:`normeq.suite.claims.registry`)."""
