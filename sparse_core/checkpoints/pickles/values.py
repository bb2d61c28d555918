"""What a pickle becomes: plain values, and inert stand-ins for everything else."""

import msgspec

from sparse_core.checkpoints.arrays import Region, Source
from sparse_core.dtypes import DType


class Name:
    """A global that a pickle names; never imported."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    @property
    def path(self) -> str:
        """``module.name``."""
        return f"{self.module}.{self.name}"


class Opaque:
    """An object that was not made: its class or maker, and its state.

    A plain class with slots, because the deallocation of a deep chain of them must not
    exhaust the C stack, and because identity is the right hash for dictionary keys.
    """

    __slots__ = ("kind", "state")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.state: object = None

    def field(self, name: str) -> object:
        """Give an attribute of its pickled state, or None."""
        state = self.state
        if isinstance(state, tuple) and len(state) == 2:
            state = state[1] if isinstance(state[1], dict) else state[0]
        return state.get(name) if isinstance(state, dict) else None


class Storage(msgspec.Struct, frozen=True, eq=False):
    """A storage that a tensor lies in; ``dtype`` is None where it is bytes of no format."""

    region: Region
    dtype: DType | None
    quantised: bool = False


class Wrapper(msgspec.Struct, frozen=True, eq=False):
    """A tensor subclass that keeps inner tensors: its class, outer format and shape, parts."""

    kind: str
    dtype: DType
    shape: tuple[int, ...]
    inner: dict[str, Source]


class Unlisted(msgspec.Struct, frozen=True, eq=False):
    """A tensor of a kind that is not read; ``reason`` is the end of a sentence about it."""

    reason: str
