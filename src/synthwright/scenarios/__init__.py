"""Tables to try things on: real ones that packages ship, and simulators whose true relations are known.

healthcare   442 real diabetes patients; simulated hospital stays (gaps, an identifier, dates, a readmission)
"""
