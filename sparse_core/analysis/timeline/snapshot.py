"""The masks of one checkpoint: read once, kept as bits."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec
import numpy as np

from sparse_core.analysis.kinds import PRUNABLE_KINDS
from sparse_core.analysis.measure import Tick, effective_mask
from sparse_core.analysis.subject import Subject, subject_of
from sparse_core.analysis.timeline.margin import Margin, margin_of
from sparse_core.checkpoints import Checkpoint, open_checkpoint
from sparse_core.checkpoints.series import Member
from sparse_core.masks import PackedMask
from sparse_core.messages import ScanOptions
from sparse_core.messages.timeline import TimelineOptions
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.masks import read_masks


class LayerMask(msgspec.Struct, frozen=True, eq=False):
    """The mask of one layer at one step.

    Attributes
    ----------
    mask : PackedMask
        True = kept.
    rule : str
        Where it comes from: ``zeros``, ``stored`` or ``projected``.
    pattern : str
        The N:M it is meant to have, "" where none is known.
    margin : Margin
        How far its weights are from flipping; of projected masks only.
    """

    mask: PackedMask
    rule: str
    pattern: str = ""
    margin: Margin = Margin()


Masks = Mapping[str, LayerMask]


def holds_masks(path: Path) -> bool:
    """Say whether a file holds the packed masks that a run writes, not weights."""
    folder = RunFolder(path.parent.parent)
    return path.parent == folder.masks and folder.config.is_file()


def read_snapshot(
    member: Member, options: TimelineOptions, tick: Tick | None = None, only: str | None = None
) -> Masks:
    """Read the masks of a checkpoint, every tensor once.

    Parameters
    ----------
    member : Member
    options : TimelineOptions
    tick : callable, optional
        Called with the bytes of each block before it is read.
    only : str, optional
        Read this layer alone.

    Returns
    -------
    mapping
        Name -> mask, in the order of the listing.

    Raises
    ------
    CheckpointError, RunError
        If it cannot be read.
    PatternError
        If the options name a pattern, an axis or a kind that does not exist.
    """
    if holds_masks(member.path):
        stored = read_masks(member.path, only)
        return {
            name: LayerMask(mask, "stored")
            for name, mask in stored.items()
            if fnmatchcase(name, options.layers)
        }
    with open_checkpoint(member.path) as checkpoint:
        return {
            subject.name: _layer(checkpoint, subject, tick)
            for subject in layers_of(checkpoint, options)
            if only in (None, subject.name)
        }


def scan_options(options: TimelineOptions) -> ScanOptions:
    """Say the same in the words of a scan; a pattern without a rule asks for the projection."""
    rule = "projected" if options.pattern and options.rule == "auto" else options.rule
    return ScanOptions(rule, options.pattern, options.axis, 0.0, options.kinds, options.axes)


def layers_of(checkpoint: Checkpoint, options: TimelineOptions) -> Sequence[Subject]:
    """Choose the layers whose masks are followed.

    Linear, conv and experts weights, tied ones once. Where some are projected, or the file lists
    the layers that are meant to be sparse, only those.
    """
    scan = scan_options(options)
    found: dict[str, Subject] = {}
    for name, info in checkpoint.tensors.items():
        if info.quantised or not fnmatchcase(name, options.layers):
            continue
        subject = subject_of(checkpoint, name, scan)
        if subject.kind.name in PRUNABLE_KINDS:
            found.setdefault(info.storage if info.elements else name, subject)
    subjects = list(found.values())
    projected = [one for one in subjects if one.rule == "projected"]
    if projected or scan.rule == "projected":
        return projected
    listed = [one for one in subjects if one.meant_by == "metadata" and one.surely]
    return listed or subjects


def _layer(checkpoint: Checkpoint, subject: Subject, tick: Tick | None) -> LayerMask:
    """Read one mask, and the margin where there is one."""
    margin = Margin()
    if subject.rule == "projected" and subject.meant is not None:
        if tick is not None:
            tick(subject.info.bytes)
        margin = margin_of(checkpoint, subject.info, subject.layout, subject.meant)
    mask = effective_mask(checkpoint, subject, tick)
    words = np.ascontiguousarray(mask.words)
    pattern = "" if subject.meant is None else str(subject.meant)
    return LayerMask(PackedMask(words, mask.layout), subject.rule, pattern, margin)
