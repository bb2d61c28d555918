"""N:M patterns: parse, print, check against a shape.

In text a pattern is always the bare ``N:M``; the axis stands beside it.
"""

from typing import Literal, get_args

import msgspec

from sparse_core.errors import PatternError

Axis = Literal["in", "out", "kernel"]
AXES: tuple[Axis, ...] = get_args(Axis)
"""The axes along which groups can run.

``in``: input features of a linear layer, input channels at each kernel position of a
convolution (what hardware wants). ``out``: output units. ``kernel``: memory order of a
convolution's filter, as the first SR-STE code had it.
"""


class NMPattern(msgspec.Struct, frozen=True, order=True):
    """At most ``n`` of every ``m`` consecutive weights are kept along ``axis``.

    Parameters
    ----------
    n, m : int
        Kept weights and group size, 1 <= n <= m <= 64.
    axis : {"in", "out", "kernel"}
        Where the groups run.

    Raises
    ------
    PatternError
        If n, m or the axis make no pattern.

    Examples
    --------
    >>> NMPattern.parse("2:4")
    NMPattern(n=2, m=4, axis='in')
    >>> str(NMPattern(1, 16))
    '1:16'
    """

    n: int
    m: int
    axis: Axis = "in"

    def __post_init__(self) -> None:
        """Refuse numbers that make no pattern."""
        if not 1 <= self.n <= self.m <= 64:
            raise PatternError(
                f"{self.n}:{self.m} is no pattern: write N:M with 1 <= N <= M <= 64, as in 2:4."
            )
        if self.axis not in AXES:
            raise PatternError(f"{self.axis!r} is no axis: write in, out or kernel.")

    @classmethod
    def parse(cls, text: str, axis: Axis = "in") -> "NMPattern":
        """Read ``N:M``.

        Raises
        ------
        PatternError
            If the text is not two whole numbers with a colon between them.
        """
        n, colon, m = text.strip().partition(":")
        if not (colon and n.isascii() and n.isdigit() and m.isascii() and m.isdigit()):
            raise PatternError(f"{text!r} is no pattern: write N:M, as in 2:4.")
        if len(n) > 2 or len(m) > 2:
            raise PatternError(f"{text!r} is no pattern: write N:M with M at most 64.")
        return cls(int(n), int(m), axis)

    def __str__(self) -> str:
        """Write the bare ``N:M``."""
        return f"{self.n}:{self.m}"

    @property
    def density(self) -> float:
        """Share of kept weights in [0, 1] when every group is full."""
        return self.n / self.m


RECOGNISED: tuple[tuple[int, int], ...] = tuple(
    sorted(
        ((n, m) for m in (4, 8, 16, 32) for n in (1, 2, 4, 8, 16) if 2 * n <= m),
        key=lambda nm: (nm[0] / nm[1], nm[1]),
    )
)
"""The patterns that are looked for, the tightest first (lowest N/M, then smallest M)."""
