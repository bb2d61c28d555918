"""The units that flow through a network: who makes them, who uses them, which are constant."""

from dataclasses import dataclass, field

import torch
from torch import Tensor


class Space:
    """A set of units that live or vanish together wherever they flow.

    A shortcut makes the spaces on both of its sides one (``merge``).

    Attributes
    ----------
    index : int
        Its number in the order of the network: the same in every pass.
    size : int or None
        How many units; None until somebody says.
    fixed : str
        Why no unit may vanish, "" if they may.
    """

    def __init__(self, index: int, size: int | None, fixed: str = "") -> None:
        self.index = index
        self._size = size
        self._fixed = fixed
        self._into: Space | None = None

    @property
    def root(self) -> "Space":
        """The space that this one was merged into."""
        return self if self._into is None else self._into.root

    @property
    def size(self) -> int | None:
        """How many units."""
        return self.root._size

    @property
    def fixed(self) -> str:
        """Why no unit may vanish."""
        return self.root._fixed

    def fix(self, why: str) -> None:
        """Forbid every unit to vanish."""
        self.root._fixed = self.root._fixed or why

    def settle(self, size: int) -> None:
        """Say how many units there are, if that was open."""
        if self.root._size is None:
            self.root._size = size

    def merge(self, other: "Space") -> None:
        """Make two spaces one; different sizes fix both."""
        mine, theirs = self.root, other.root
        if mine is theirs:
            return
        if mine._size != theirs._size:
            mine.fix("sums units of different number")
            theirs.fix("sums units of different number")
            return
        first, second = sorted((mine, theirs), key=lambda space: space.index)
        first._fixed = first._fixed or second._fixed
        second._into = first


@dataclass(frozen=True)
class Flow:
    """Units at one place of the network.

    Attributes
    ----------
    space : Space
    constant : Tensor of float64, ``(units,)``
        The value of a unit that is the same for every input; NaN for one that varies. None
        where the number of units is open: all vary.
    """

    space: Space
    constant: Tensor | None = None

    def values(self) -> Tensor:
        """Give the constants, NaN for what varies."""
        if self.constant is not None:
            return self.constant
        return torch.full((self.space.size or 0,), torch.nan, dtype=torch.float64)


@dataclass(frozen=True)
class Use:
    """What one layer says of the units it uses.

    ``unused``: its weights for the unit are zero; ``foldable``: the unit is a constant that its
    bias can take over; ``zero``: that constant is 0.
    """

    space: Space
    unused: Tensor
    foldable: Tensor
    zero: Tensor


@dataclass
class Survivors:
    """Which units of each space are left, and how the others went.

    ``alive`` by the index of a root space; ``folded`` marks those that were not 0.
    """

    alive: dict[int, Tensor] = field(default_factory=dict)
    folded: dict[int, Tensor] = field(default_factory=dict)

    def of(self, space: Space) -> Tensor:
        """Give the mask of the units that are left."""
        known = self.alive.get(space.root.index)
        if known is not None and known.numel() == (space.size or 0):
            return known
        return torch.ones(space.size or 0, dtype=torch.bool)
