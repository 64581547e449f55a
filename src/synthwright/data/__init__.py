"""Datasets and what can be said about them; knows nothing of models.

schema       Column, Link, Schema         dataset     Dataset base: units, fingerprint, Arrow C stream
infer        guesses with evidence        table       Table
conditions   the `where` language         constraints row rules: check, and keep by construction
encode       Table <-> numbers            prepare     what a model learns of a dataset, and what is re-made
split        leak-safe train/holdout/test
"""
