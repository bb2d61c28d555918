"""Recipes that are chosen often."""

from sparse_core.messages.training import Preset

PRESETS: tuple[Preset, ...] = (
    Preset(
        "Train 2:4 from scratch",
        "SR-STE with a lambda that settles masks within some hundred steps.",
        (("method", "sr-ste"), ("pattern", "2:4"), ("lambda", 0.003)),
    ),
    Preset(
        "Prune a trained network once (ASP)",
        "Prunes to 2:4 by magnitude, then trains with the masks held.",
        (("method", "asp"), ("pattern", "2:4")),
        needs=("init",),
    ),
    Preset(
        "Take away whole filters (SSL)",
        "Group lasso over filters and channels; export it compacted afterwards.",
        (("method", "ssl"),),
        needs=("init",),
    ),
    Preset(
        "Compare STE with SR-STE",
        "The same training without a pull on pruned weights, and with it.",
        (("method", "sr-ste"), ("pattern", "2:4")),
        over=(("lambda", (0.0, 0.003)),),
    ),
)
"""With lambda 0, SR-STE is STE."""
