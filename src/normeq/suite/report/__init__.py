"""What an experiment gave, on one offline HTML page; and the paper's poster on another."""

QUALITY = 50  # of the WebP pictures; every number comes from pixels before compression
POSTER_FIGURES = ("interval_pictures", "two_dimensional", "layers", "noise_levels", "filters")
