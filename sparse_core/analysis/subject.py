"""A tensor as the scan sees it before reading a single weight."""

from collections.abc import Iterator
from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

import msgspec

from sparse_core.analysis.claims import Claim, claim_of
from sparse_core.analysis.kinds import (
    PRUNABLE_KINDS,
    Facts,
    Kind,
    axis_of,
    facts_of,
    kind_of,
)
from sparse_core.checkpoints import Checkpoint, TensorInfo
from sparse_core.errors import PatternError, SparseError
from sparse_core.masks import Layout, layout_of
from sparse_core.messages import ScanOptions
from sparse_core.patterns import AXES, Axis, NMPattern

if TYPE_CHECKING:
    from collections.abc import MutableMapping

AppliedRule = Literal["zeros", "stored", "projected"]
Meant = Literal["", "given", "metadata", "siblings", "recognised"]

_FOUR: dict[Axis, NMPattern] = {axis: NMPattern(1, 4, axis) for axis in AXES}
"""The smallest groups, which decide whether a weight can be pruned."""

DEFAULT_PROJECTION = (2, 4)
"""What ``projected`` means where neither the user nor the file names a pattern."""


class Subject(msgspec.Struct, frozen=True, gc=False):
    """A tensor and how it will be judged.

    Attributes
    ----------
    info : TensorInfo
    kind : Kind
    layout : Layout
    rule : str
        The mask rule that applies to this very tensor: ``zeros``, ``stored`` or ``projected``.
    axis : str or None
        The group axis that the user set by name; None looks along all.
    meant : NMPattern or None
        The pattern it is meant to have, as far as that is known before reading.
    meant_by : str
        Who says so: ``given``, ``metadata`` or ``siblings``.
    surely : bool
        False where the file claims a pattern without listing its layers: a plainly dense layer
        is then left alone.
    prunable : bool
        A linear, conv or experts weight with at least one whole group.
    """

    info: TensorInfo
    kind: Kind
    layout: Layout
    rule: AppliedRule = "zeros"
    axis: Axis | None = None
    meant: NMPattern | None = None
    meant_by: Meant = ""
    surely: bool = True
    prunable: bool = False

    @property
    def name(self) -> str:
        """Its name in the listing."""
        return self.info.name


class Survey(msgspec.Struct, frozen=True):
    """What the whole checkpoint says, gathered once."""

    facts: Facts
    claim: Claim


_gathered: "MutableMapping[Checkpoint, Survey]" = WeakKeyDictionary()


def subject_of(checkpoint: Checkpoint, name: str, options: ScanOptions) -> Subject:
    """Say how a tensor will be judged, from headers alone.

    Raises
    ------
    PatternError
        If the options name a pattern, an axis, a kind or a dimension that does not exist.
    SparseError
        If their threshold is no magnitude.
    KeyError
        If the checkpoint lists no such tensor.
    """
    _check_threshold(options)
    return _subject(_survey(checkpoint), checkpoint.tensors[name], options)


def subjects_of(checkpoint: Checkpoint, options: ScanOptions) -> Iterator[Subject]:
    """Say how each tensor of the listing will be judged, in its order.

    Raises
    ------
    PatternError
        If the options name a pattern, an axis, a kind or a dimension that does not exist.
    SparseError
        If their threshold is no magnitude.
    """
    _check_threshold(options)
    whole = _survey(checkpoint)
    return (_subject(whole, info, options) for info in checkpoint.tensors.values())


def _check_threshold(options: ScanOptions) -> None:
    """Refuse what is no magnitude."""
    if not (isfinite(options.threshold) and options.threshold >= 0):
        raise SparseError(f"The threshold {options.threshold} is no magnitude from 0 upwards.")


def _subject(whole: Survey, info: TensorInfo, options: ScanOptions) -> Subject:
    """Say how a tensor will be judged."""
    name = info.name
    kind = kind_of(name, info.shape, info.dtype, options, whole.facts)
    axis = axis_of(name, options) or _axis_of_all(options)
    meant, meant_by = _meant(options, whole.claim, name, axis)
    rule = _rule(info, kind, options, whole.claim)
    if rule == "projected" and meant is None:
        meant, meant_by = NMPattern(*DEFAULT_PROJECTION, axis or "in"), "given"
    layout, prunable = _laid_out(info.shape, kind, meant or _FOUR[axis or "in"])
    return Subject(
        info=info,
        kind=kind,
        layout=layout,
        rule="zeros" if rule == "projected" and not prunable else rule,
        axis=axis,
        meant=meant if prunable else None,
        meant_by=meant_by if prunable else "",
        surely=meant_by != "metadata" or bool(whole.claim.lists(name)) or rule == "projected",
        prunable=prunable,
    )


@lru_cache(maxsize=1 << 12)
def _laid_out(shape: tuple[int, ...], kind: Kind, judged: NMPattern) -> tuple[Layout, bool]:
    """Lay a tensor out, and say whether it is prunable: most tensors have the shape of others."""
    layout = layout_of(shape, kind.name, kind.input_dim)
    return layout, kind.name in PRUNABLE_KINDS and layout.group_count(judged) > 0


def _axis_of_all(options: ScanOptions) -> Axis | None:
    """Give the axis that groups of any pattern run along; None where none is singled out.

    The default, ``in``, singles out nothing: then patterns along every axis are recognised.
    """
    for known in AXES:
        if options.axis == known:
            return None if known == "in" else known
    raise PatternError(f"{options.axis!r} is no axis: write in, out or kernel.")


def given_pattern(options: ScanOptions, axis: Axis | None = None) -> NMPattern | None:
    """Read the pattern that the user gave.

    Raises
    ------
    PatternError
        If it is no pattern, or its axis no axis.
    """
    if options.pattern is None:
        return None
    for known in AXES:
        if options.axis == known:
            return NMPattern.parse(options.pattern, axis or known)
    raise PatternError(f"{options.axis!r} is no axis: write in, out or kernel.")


def _survey(checkpoint: Checkpoint) -> Survey:
    """Look at the whole listing once a checkpoint."""
    known = _gathered.get(checkpoint)
    if known is None:
        known = Survey(
            facts_of(checkpoint.tensors), claim_of(checkpoint.metadata, checkpoint.config)
        )
        _gathered[checkpoint] = known
    return known


def _meant(
    options: ScanOptions, claim: Claim, name: str, axis: Axis | None
) -> tuple[NMPattern | None, Meant]:
    """Find the pattern that the user or the file means."""
    given = given_pattern(options, axis)
    if given is not None:
        return given, "given"
    if claim.pattern is not None and claim.lists(name) is not False:
        return claim.pattern, "metadata"
    return None, ""


def _rule(info: TensorInfo, kind: Kind, options: ScanOptions, claim: Claim) -> AppliedRule:
    """Choose where the mask of this tensor comes from."""
    stored = info.has_mask or info.form == "packed"
    if options.rule == "projected":
        return "projected"
    if options.rule == "stored":
        return "stored" if stored else "zeros"
    if options.rule == "zeros":
        return "zeros"
    latent = claim.latent and kind.name in PRUNABLE_KINDS and claim.lists(info.name) is not False
    if latent:
        return "projected"
    return "stored" if stored else "zeros"
