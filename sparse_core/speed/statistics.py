"""What can be said of two interleaved series of times."""

from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]
Finding = Literal["faster", "slower", "no difference"]

RESAMPLES = 2000


class Spread(msgspec.Struct, frozen=True):
    """Median, tenth and ninetieth percentile and number of the times, in milliseconds."""

    median_ms: float
    p10_ms: float
    p90_ms: float
    n: int


class Ratio(msgspec.Struct, frozen=True):
    """Dense time over sparse time with its 95 % interval; above 1 the sparse one is faster."""

    ratio: float
    low: float
    high: float

    @property
    def finding(self) -> Finding:
        """What the interval allows to say."""
        if self.low <= 1.0 <= self.high:
            return "no difference"
        return "faster" if self.low > 1.0 else "slower"


def spread(times: Seconds) -> Spread:
    """Summarise one series.

    Parameters
    ----------
    times : ndarray of float64, ``(n,)``
        Seconds.
    """
    p10, median, p90 = np.percentile(times, [10, 50, 90]) * 1e3
    return Spread(float(median), float(p10), float(p90), len(times))


def ratio(dense: Seconds, sparse: Seconds, seed: int = 0) -> Ratio:
    """Compare two interleaved series, paired round by round.

    The ratio of medians, with a percentile bootstrap over rounds: a round's two times are drawn
    together, because what disturbs one disturbs the other (Efron and Tibshirani 1993, chapter 13).

    Parameters
    ----------
    dense, sparse : ndarray of float64, ``(n,)``
        Seconds of the same rounds.
    seed : int
        Of the resampling; the same times give the same interval.
    """
    draws = np.random.default_rng(seed).integers(0, len(dense), (RESAMPLES, len(dense)))
    ratios = np.median(dense[draws], axis=1) / np.median(sparse[draws], axis=1)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return Ratio(float(np.median(dense) / np.median(sparse)), float(low), float(high))
