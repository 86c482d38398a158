"""Tables made from the long tables of measurements: one module per table."""
