"""Words that are codes: listed, and never judged."""

from typing import TypeVar

import msgspec

from sparse_core.checkpoints.arrays import Source

_Source = TypeVar("_Source", bound=Source)


def as_codes(source: _Source) -> _Source:
    """Mark a tensor as words that mean nothing without scales or a key."""
    return msgspec.structs.replace(source, quantised=True)
