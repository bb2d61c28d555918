"""What is said of a group under the loupe, and of lists of groups."""

from inspector.models import words
from inspector.models.broken_layers import BrokenLayers
from sparse_core.messages import Loupe

NOISE = 0.01
"""Relative noise for which groups are called unsteady."""


def remark_of(loupe: Loupe) -> str:
    """Return the dim line below the sentence: pattern, what is kept, margin, ties."""
    parts = [
        f"{loupe.pattern} along {loupe.axis}",
        f"{sum(loupe.kept)} kept of {len(loupe.kept)}",
    ]
    if loupe.margin is not None:
        parts.append(f"margin {words.percent(loupe.margin)}")
    if any(loupe.tied):
        parts.append("equal sizes: the earlier one goes first")
    return " · ".join(parts)


def spoken(loupe: Loupe) -> str:
    """Return the whole group as a screen reader should say it."""
    weights = [
        f"{words.number(value)} rank {rank} {_fate(kept, stays)}"
        for value, rank, kept, stays in zip(
            loupe.values, loupe.ranks, loupe.kept, loupe.correct, strict=True
        )
    ]
    return f"{loupe.place}. {', '.join(weights)}. {loupe.sentence}"


def _fate(kept: bool, stays: bool) -> str:
    if not kept:
        return "zero"
    return "kept" if stays else "to drop"


def weight_tip(loupe: Loupe, at: int) -> str:
    """Return what is known of one weight of the group."""
    row, column = loupe.positions[at]
    tie = ", as large as another" if loupe.tied[at] else ""
    return (
        f"row {row}, column {column}: {loupe.values[at]:.9g}\n"
        f"rank {loupe.ranks[at]}{tie}, {_fate(loupe.kept[at], loupe.correct[at])}"
    )


def heading_of(bad: int, groups: int) -> str:
    """Return what stands beside a broken layer."""
    return f"{bad:,} of {words.count(groups, 'group')}"


def summary_of(broken: BrokenLayers) -> str:
    """Return ``715 broken groups in 3 layers``."""
    if not broken.total:
        return ""
    groups = words.count(broken.total, "broken group")
    return f"{groups} in {words.count(len(broken.names), 'layer')}"


def unsteady_of(tensor: str, listed: int, total: int) -> str:
    """Return what a list of unsteady groups is."""
    flips = f"1 % noise could flip {words.count(total, 'group')} of {tensor}"
    return flips if listed == total else f"{flips}; the closest {listed:,}"
