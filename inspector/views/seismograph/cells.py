"""Flip rates as cells of a strip: which steps and layers a cell stands for, and its byte.

A cell that stands for many shows the largest flip rate among them, so one step at which one layer
moved lights its cell at every size.
"""

import msgspec
import numpy as np
import numpy.typing as npt

Rates = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]

FROZEN = 0
FAINTEST = 1e-5
"""Flip rate below which the colour no longer changes."""


class Axis(msgspec.Struct, frozen=True):
    """Steps along pixels: ``first`` at 0, ``last`` at ``width``."""

    first: int
    last: int
    width: int

    def position(self, step: float) -> float:
        """Return where a step lies, in pixels."""
        span = max(self.last - self.first, 1)
        return (step - self.first) / span * self.width

    def step(self, x: float) -> float:
        """Return the step at a pixel."""
        return self.first + x / max(self.width, 1) * max(self.last - self.first, 1)


def largest_across(rates: Rates, steps: npt.NDArray[np.int64], axis: Axis) -> Rates:
    """Return, for each pixel column, the largest rate among the steps that it touches.

    Parameters
    ----------
    rates : float64 ``(layers, points)``
        Flips since the point before: column i covers the time from step i - 1 to step i.
    steps : int64 ``(points,)``, ascending

    Returns
    -------
    float64 ``(layers, axis.width)``, NaN where the series has nothing
    """
    layers, points = rates.shape
    if points < 2 or not axis.width:
        return np.full((layers, axis.width), np.nan)
    edges = np.array([axis.position(float(step)) for step in steps])
    left = np.arange(axis.width, dtype=np.float64)
    first = np.clip(np.searchsorted(edges, left, "right"), 1, points - 1)
    last = np.clip(np.searchsorted(edges, left + 1, "left"), first, points - 1)
    padded = np.concatenate([rates, np.full((layers, 1), np.nan)], axis=1)
    pairs = np.stack([first, last + 1], axis=1).reshape(-1)
    found = np.fmax.reduceat(padded, pairs, axis=1)[:, ::2]
    outside = (left + 1 <= edges[0]) | (left >= edges[-1])
    return np.where(outside, np.nan, found)


def largest_down(rates: Rates, lines: int) -> Rates:
    """Return ``lines`` rows, each the largest of the layers that it stands for."""
    if lines >= len(rates):
        return rates
    starts = np.arange(lines) * len(rates) // lines
    return np.fmax.reduceat(rates, starts, axis=0)


def to_bytes(rates: Rates, most: float) -> Bytes:
    """Return 0 where nothing flipped, else 1 ... 255 by the logarithm of the rate.

    Parameters
    ----------
    rates : NaN counts as nothing; who draws tells it apart.
    most : float
        The rate of byte 255.
    """
    span = np.log10(max(most, 10 * FAINTEST) / FAINTEST)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.log10(np.maximum(rates, FAINTEST) / FAINTEST) / span
    scaled = 1 + np.rint(254 * np.clip(np.nan_to_num(share), 0, 1))
    return np.where(rates > 0, scaled, FROZEN).astype(np.uint8)
