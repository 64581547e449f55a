"""One method a file; the file's name is its registered name.

base         Generator, Ability: what every method is
independent  each column by itself (read this one first)     bootstrap  resampled rows
copula       Gaussian copula, mixed types                    cart       bagged sequential trees
boost        boosted autoregressive trees                    auto       blends them; copula for small tables
"""
