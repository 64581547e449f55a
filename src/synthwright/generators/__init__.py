"""One method a file; the file's name is its registered name.

base         Generator, Ability: what every method is         drawing    one block of a sample
independent  each column by itself (read this one first)     bootstrap  resampled rows
copula       Gaussian copula, mixed types                    cart       bagged sequential trees
boost        boosted autoregressive trees                    auto       blends them; copula for small tables
flow         token net and rectified flow                    ctgan, tvae   the published nets, and what they share
table_tokens, table_modes   a table as these see it
hybrid       mixture and reweight                            residual   what one method leaves, learned by another
composed     what methods made of methods share              views      a dataset as they compare it
image_flow   rectified flow with a U-Net                     image_ppca   a normal distribution for each class
image_classes   how often each class is made
series_flow  diffusion of whole series                       pca_gaussian, block_bootstrap   the floors to beat
series_parts what methods of series share                    dyval      reasoning items: learns from nothing
defaults     which method `auto` is for data that are no table
"""
