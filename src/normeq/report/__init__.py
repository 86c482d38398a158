"""One offline HTML page with everything an experiment gave."""
