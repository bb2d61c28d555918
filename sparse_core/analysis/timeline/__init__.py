"""How the masks of a series of checkpoints move.

A series is read in order, each checkpoint once; only its packed masks stay, in the analysis
cache. ``build`` counts what changes from one to the next, ``result`` names the measures, and
``history`` looks at one layer over all steps: which weights flip, how often, and when last.
"""
