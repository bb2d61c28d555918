"""What the canvas says in words: the badge, the colour bar, the text for a screen reader."""

import msgspec

from inspector.views.tile_canvas.view import View
from sparse_core.messages import AnyPlane, Picture
from sparse_core.patterns import NMPattern

_STATISTICS: dict[AnyPlane, str] = {
    "density": "density",
    "violation": "worst violation",
    "mask": "any kept",
    "magnitude": "largest |w|",
    "value": "value of the largest |w|",
    "flips": "share of flips",
    "last change": "latest step of a flip",
    "born": "share newly kept",
    "died": "share newly dropped",
}
"""What a pixel that stands for many weights shows of them."""

_EXACT: dict[AnyPlane, str] = {
    "density": "kept or not",
    "violation": "violation",
    "mask": "mask",
    "magnitude": "|w|",
    "value": "value",
    "flips": "flipped or not",
    "last change": "latest step of a flip",
    "born": "newly kept or not",
    "died": "newly dropped or not",
}
"""The same where a cell is a single weight."""


class Scale(msgspec.Struct, frozen=True):
    """A colour bar: its name, the bytes at its two ends, and what they stand for.

    ``steps`` are bytes drawn as separate swatches instead of a gradient, ``apart`` a byte that
    stands beside the bar with its own word.
    """

    name: str
    low: str
    high: str
    first: int = 0
    last: int = 255
    steps: tuple[int, ...] = ()
    apart: tuple[int, str] | None = None


def statistic(view: View, plane: AnyPlane) -> str:
    """Name what a cell shows of the weights it covers."""
    single = view.rows.level == 0 and view.columns.level == 0
    return (_EXACT if single else _STATISTICS)[plane]


def badge(view: View, picture: Picture, plane: AnyPlane, *, judged: bool) -> str:
    """Say what a pixel stands for: ``1 px = 16×16 weights · worst violation``.

    A picture without a pattern is said to have none once its cells are there (``judged``): the
    first picture of a tensor is drawn before anybody looked at its groups.
    """
    height, width = view.rows.cell, view.columns.cell
    pixels = "1 px" if height == width == 1 else f"{height}×{width} px"
    down = min(1 << view.rows.level, picture.rows)
    right = min(1 << view.columns.level, picture.columns)
    weights = "1 weight" if down == right == 1 else f"{down}×{right} weights"
    if plane == "violation" and picture.pattern is None and judged:
        return f"{pixels} = {weights} · no pattern to break"
    return f"{pixels} = {weights} · {statistic(view, plane)}"


def scale(view: View, picture: Picture, plane: AnyPlane) -> Scale:
    """Describe the colour bar of a plane."""
    name = statistic(view, plane)
    if plane == "density":
        return Scale(name, "0", "1")
    if plane == "mask":
        single = view.rows.level == 0 and view.columns.level == 0
        return Scale(name, "dropped" if single else "none", "kept", steps=(0, 255))
    if plane == "violation":
        return _violations(name, picture)
    if plane in ("flips", "born", "died"):
        return Scale(name, "none", "all")
    if plane == "last change":
        return Scale(name, "first", f"step {picture.scale:,.0f}", first=1, apart=(0, "never"))
    end = f"{picture.scale:.3g}"
    if plane == "magnitude":
        return Scale(name, "0", end)
    return Scale(name, f"−{end}", f"+{end}", first=1, apart=(0, "NaN, Inf"))


def _violations(name: str, picture: Picture) -> Scale:
    if picture.pattern is None:
        return Scale(name, "none", "")
    pattern = NMPattern.parse(picture.pattern)
    most = max(1, pattern.m - pattern.n)
    if most > 8:
        return Scale(name, "none", f"{most} too many")
    steps = tuple(55 + round(200 * surplus / most) for surplus in range(1, most + 1))
    return Scale(name, "none", f"{most} too many", steps=(0, *steps))


def spoken(picture: Picture | None, badge_text: str, read_out: str) -> str:
    """Return the description for a screen reader."""
    if picture is None:
        return "No tensor is shown."
    size = f"{picture.rows} rows, {picture.columns} columns"
    return ". ".join(part for part in (size, badge_text, read_out) if part)
