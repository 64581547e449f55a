"""The one deep-learning kernel of tables, images and series: tensors, nets, paths, losses, samplers, one loop.

A deep generator picks a codec (its modality's), a net, a path or loss, and a sampler; the loop is always `train`.
The only package of the library that imports torch at the top.

tensors   devices, streams, weights as arrays          train       the loop: averages, early stop, budget, checkpoints
nets, unet, heads   what a net is, and its outlets     paths, losses, samplers   the mathematics, each with its equation
ctgan, tvae, tableflow   objectives of tables          imageflow, seriesflow     those of images and series
seriesjudge  the recurrent judge of the literature
"""
