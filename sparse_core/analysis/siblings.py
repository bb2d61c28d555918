"""Layers that repeat through a network, and those among them that differ.

Siblings have the same name but for numbers that are whole parts of it (``layers.3.up_proj`` and
``layers.7.up_proj``) and the same shape. What more than half of them are is what all of them are
meant to be: one dense layer among sparse siblings is a finding, not normal.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from sparse_core.messages import LayerReport
from sparse_core.patterns import AXES, NMPattern

FEWEST = 3
"""Two layers that differ make no majority."""


def dissenters(reports: Iterable[LayerReport]) -> Mapping[str, NMPattern]:
    """Find the layers whose siblings have a pattern that they have not.

    Parameters
    ----------
    reports : iterable of LayerReport

    Returns
    -------
    mapping
        Name -> the pattern of the majority.
    """
    families: defaultdict[tuple[object, ...], list[LayerReport]] = defaultdict(list)
    for report in reports:
        if report.class_ != "other" and not report.error:
            families[family_of(report.name), report.shape, report.kind].append(report)
    found: dict[str, NMPattern] = {}
    for family in families.values():
        pattern = _majority(family)
        if pattern is not None:
            found.update({one.name: pattern for one in family if _dissents(one, pattern)})
    return found


def family_of(name: str) -> str:
    """Replace the parts that are numbers: ``layers.3.up_proj`` becomes ``layers.*.up_proj``."""
    for mark in (".", "/"):
        name = mark.join("*" if part.isdigit() else part for part in name.split(mark))
    return name


def _majority(family: list[LayerReport]) -> NMPattern | None:
    """Give the pattern that more than half of the siblings are recognised by."""
    if len(family) < FEWEST:
        return None
    votes = Counter(_pattern(one) for one in family if one.meant_by == "recognised")
    if not votes:
        return None
    pattern, count = votes.most_common(1)[0]
    return pattern if 2 * count > len(family) else None


def _dissents(report: LayerReport, pattern: NMPattern) -> bool:
    """Say whether a layer is not what its siblings are, with nobody else saying what it is."""
    if report.meant_by in ("given", "metadata"):
        return False
    return report.meant_by != "recognised" or _pattern(report) != pattern


def _pattern(report: LayerReport) -> NMPattern | None:
    """Read a report's meant pattern back."""
    for axis in AXES:
        if report.meant is not None and report.meant_axis == axis:
            return NMPattern.parse(report.meant, axis)
    return None
