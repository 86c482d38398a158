"""``normeq campaign``: train, in order, what configs name and what is not there yet, in slices of time."""
