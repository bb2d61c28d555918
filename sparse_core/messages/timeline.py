"""What is asked and answered about a series of checkpoints."""

import msgspec

from sparse_core.messages.vocabulary import Rule


class SeriesId(msgspec.Struct, frozen=True):
    """Which checkpoints belong together.

    Attributes
    ----------
    sources : tuple of str
        A run folder, a folder of checkpoints, a glob, or the checkpoints themselves; paths of
        the core's machine.
    exclude : tuple of str
        Globs of names, or steps, to leave out.
    """

    sources: tuple[str, ...]
    exclude: tuple[str, ...] = ()


class TimelineOptions(msgspec.Struct, frozen=True):
    """How the masks of a series are made and compared.

    Attributes
    ----------
    rule, pattern, axis, kinds, axes
        As in ``ScanOptions``; a pattern without a rule means ``projected``.
    layers : str
        Glob of the layers to look at.
    reference : str
        Path of the checkpoint that all are compared with; "" is the first of the series.
    epsilon : float
        Flip rate up to which a layer counts as frozen.
    cache : bool
        Whether masks and results may be read from and written to the analysis cache.
    """

    rule: Rule = "auto"
    pattern: str | None = None
    axis: str = "in"
    kinds: tuple[tuple[str, str], ...] = ()
    axes: tuple[tuple[str, str], ...] = ()
    layers: str = "*"
    reference: str = ""
    epsilon: float = 0.0
    cache: bool = True
