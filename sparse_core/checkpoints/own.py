"""Our own words in a checkpoint's metadata: what training writes and the readers look for.

They stand in the ``__metadata__`` of a safetensors header, text to text.
"""

METHOD = "sparsescope.method"
"""Name of the training method: ``sr-ste``, ``asp``, ..."""

PATTERN = "sparsescope.pattern"
"""The bare ``N:M`` that the masks follow."""

AXIS = "sparsescope.axis"
"""Where its groups run: ``in``, ``out`` or ``kernel``."""

STEP = "sparsescope.step"
"""Optimizer steps done when the weights were written, as decimal digits."""

RULE = "sparsescope.rule"
"""The mask rule that the weights ask for; absent means that their zeros speak."""

PROJECTED = "projected"
"""The value of `RULE` for dense latent weights, whose mask is their top-|w| projection."""
