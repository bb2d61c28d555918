"""Which checkpoint is meant, how it is judged, and what its headers say."""

import re

import msgspec

from sparse_core.messages.vocabulary import Rule

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.")


def is_address(text: str) -> bool:
    """Whether a text names a place in a store, and not a path of a machine.

    Examples
    --------
    >>> is_address("hf://owner/model"), is_address("host:/models"), is_address("/models")
    (True, False, False)
    """
    return _ADDRESS.match(text) is not None


class FileId(msgspec.Struct, frozen=True):
    """A checkpoint as the core sees it.

    Attributes
    ----------
    path : str
        Absolute path on the core's machine, or an address (``hf://owner/model``).
    container : str
        Which model of a nested file; "" is the largest, "all" every one with its prefix.
    stamp : str
        Hash of size, mtime and inode of every file behind it; "" asks for whatever is there now.
    """

    path: str
    container: str = ""
    stamp: str = ""


class ScanOptions(msgspec.Struct, frozen=True):
    """How masks are made and judged.

    Attributes
    ----------
    rule : str
        Where masks come from; ``auto`` chooses and says what it chose.
    pattern : str or None
        The N:M that every layer is judged against; None judges each by its own.
    axis : str
        Group axis of ``pattern``: ``in``, ``out`` or ``kernel``.
    threshold : float
        Non-zero weights with ``|w|`` below it count as near zeros.
    kinds, axes : tuple of (glob, value)
        Overrides by name, the first match wins. An axis is a group axis, or the number of the
        dimension that holds the inputs.
    cache : bool
        Whether results may be read from and written to the analysis cache.
    """

    rule: Rule = "auto"
    pattern: str | None = None
    axis: str = "in"
    threshold: float = 0.0
    kinds: tuple[tuple[str, str], ...] = ()
    axes: tuple[tuple[str, str], ...] = ()
    cache: bool = True


class Container(msgspec.Struct, frozen=True):
    """One model inside a file: key ("" at top level), tensor and element counts."""

    key: str
    tensors: int
    elements: int


class CheckpointSummary(msgspec.Struct, frozen=True):
    """What a file holds, known from its headers alone.

    ``tensors`` and ``elements`` are those of the chosen model as listed, ``unique_elements``
    counts tied storages once, ``other_tensors`` are masks, optimizer state and further models.
    ``notes`` are sentences for the user (tied weights, quantised words, hints).
    """

    path: str
    format: str
    writer: str
    containers: tuple[Container, ...]
    tensors: int
    elements: int
    unique_elements: int
    other_tensors: int
    bytes: int
    metadata: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
