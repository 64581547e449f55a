"""Numeric kernels in numpy and scipy: arrays in, arrays out; no Dataset, no Generator.

sequential    the chain of columns and its order    conditionals  one column given those before it
trees         bags of trees, leaves of tokens       grid          tokens of a number
boosting      LightGBM as a conditional model       linear        ridge and logistic regression
copula        latent correlations and draws         marginals     normal scores, orders of levels
neighbours    distances, nearest rows, row hashes   association   dependence of all pairs at once
twosample     tests of two samples                  parts         states of parts, joined and taken apart
embeddings    features of images, their distances   ppca          a normal distribution of few axes
calibration   moments and quantiles put right       whitening     vectors to independent scores
mixture       normal mixtures of one number         mixing        shares of samples in a mixture
ratio         density ratios by a classifier        timeseries    correlations, spectra, features in time
shingles      near copies of texts                    independence  which parts of a vector depend on each other
"""
