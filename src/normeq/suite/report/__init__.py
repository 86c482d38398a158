"""One offline HTML page with everything an experiment gave."""

QUALITY = 50  # of the WebP pictures; every number comes from pixels before compression
