"""Datasets and what can be said about them; knows nothing of models.

schema       Column, Link, Schema         dataset      Dataset base: units, fingerprint, Arrow C stream
infer        guesses with evidence        sensitive    which columns point at people
table        Table                        split        leak-safe train/holdout/test
conditions   the `where` language         condition_parser, condition_tree   text to tree, tree to truth
prepare      what a model learns of a dataset, and what is re-made
derived      columns that follow from others               identifiers  formats of re-made identifiers
constraints  row rules and their checks   rules, rewrites  kept by construction
encode       Table <-> values, tokens, dense               columns, marginal, cells   one column of it
"""
