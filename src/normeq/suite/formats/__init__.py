"""How numbers and tables are written: the lowest room of the suite."""
