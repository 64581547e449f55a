"""Measurements of speed, memory and quality, ours beside other people's; `README.md` says how to repeat them."""
