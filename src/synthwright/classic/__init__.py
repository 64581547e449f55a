"""Numeric kernels in numpy and scipy: arrays in, arrays out; no Dataset, no Generator.

sequential    the chain of columns and its order    conditionals  one column given those before it
trees         bags of trees, leaves of tokens       grid          tokens of a number
boosting      LightGBM as a conditional model       linear        ridge and logistic regression
copula        latent correlations and draws         marginals     normal scores, orders of levels
neighbours    distances, nearest rows, row hashes   association   dependence of all pairs at once
twosample     tests of two samples                  parts         states of parts, joined and taken apart
"""
