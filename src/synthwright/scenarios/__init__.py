"""Ground-truth simulators: seeded tables whose true relations are known.

healthcare   hospital stays: mixed kinds, gaps, an identifier, ordered dates, and a readmission to predict
"""
