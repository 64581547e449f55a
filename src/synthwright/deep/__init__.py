"""The one deep-learning kernel of tables, images and series: tensors, nets, paths, losses, samplers, one loop.

A deep generator picks a codec (its modality's), a net, a path or loss, and a sampler; the loop is always `train`.
The only package of the library that imports torch at the top.
"""
