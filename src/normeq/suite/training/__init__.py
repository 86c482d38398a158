"""``normeq train``: a run read from a file, trained on a data set."""
