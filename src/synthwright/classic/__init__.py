"""Numeric kernels in numpy: arrays in, arrays out; no Dataset, no Generator."""
