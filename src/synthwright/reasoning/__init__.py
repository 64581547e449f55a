"""Reasoning problems with answers known by construction (DyVal, Zhu et al. 2023, arXiv 2309.17167): no model needed.

levels, puzzles    what a problem is, and how large
trees, items       its shape; a problem with text, label and twins
sampling, rules    problems drawn from levels; twins: the same graph with another answer
balance, spaces    which answers are wanted; how many different problems there are
grammar            sentences from problems, and problems from sentences, by one file of templates
solver             the answer, from the sentences alone
answers, scoring   what a model said, and how often it was right
ladder, probes     the level a model reaches; what can be guessed without reasoning
"""
