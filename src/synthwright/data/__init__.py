"""Datasets and what can be said about them; knows nothing of models.

schema       Column, Link, Schema         dataset      Dataset base: units, fingerprint, Arrow C stream
infer        guesses with evidence        sensitive    which columns point at people
table        Table                        split        leak-safe train/holdout/test
conditions   the `where` language         condition_parser, condition_tree   text to tree, tree to truth
prepare      what a model learns of a dataset, and what is re-made
derived      columns that follow from others               identifiers  formats of re-made identifiers
constraints  row rules and their checks   rules, rewrites  kept by construction
encode       Table <-> values, tokens, dense               columns, marginal, cells   one column of it
images       ImageSet: pixels, classes, metadata           png        a writer of PNG files
sequences    SeriesSet: a long table as series   sequence_guess, sequence_reading, sequence_checks   from a table
series_codec    SeriesSet <-> numbers a model learns       series_channels, series_curves, series_latents   parts of it
corpus       Corpus: records of text
"""
