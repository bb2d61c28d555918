"""From what was read of a tensor to its report: pattern, class and lights."""

from typing import NamedTuple

import msgspec
import numpy as np

from sparse_core.analysis.dense import Projected, bitmap_bytes, packed_bytes
from sparse_core.analysis.eligibility import eligible
from sparse_core.analysis.kinds import PRUNABLE_KINDS
from sparse_core.analysis.measure import Measured
from sparse_core.analysis.recognise import (
    Census,
    Occupancy,
    Recognised,
    axes_of,
    nearly,
    recognise,
)
from sparse_core.analysis.subject import Meant, Subject
from sparse_core.masks import (
    GroupCounts,
    Layout,
    PackedMask,
    ZeroStructure,
    count_groups,
    zero_structure,
)
from sparse_core.messages import Class, LayerReport, Light
from sparse_core.patterns import NMPattern

UNSTRUCTURED_SHARE = 0.1
"""Share of zeros from which a weight without a pattern is unstructured rather than dense."""

WHOLE_LINES_SHARE = 0.98
"""Share of kept weights outside zero rows and columns from which the zeros are those lines."""


class Judgement(NamedTuple):
    """A pattern and what it makes of a tensor.

    ``meant`` is what it is judged against and ``counts`` are its groups; ``pattern`` is what it
    has, or was given.
    """

    class_: Class
    pattern: NMPattern | None = None
    meant: NMPattern | None = None
    meant_by: Meant = ""
    counts: GroupCounts | None = None
    ambiguous: bool = False


def judge(subject: Subject, measured: Measured) -> LayerReport:
    """Judge a tensor that was read.

    Parameters
    ----------
    subject : Subject
    measured : Measured

    Returns
    -------
    LayerReport
        Without ``energy_24`` and ``latent_24``, which need more of the values.
    """
    kept = measured.mask.kept() if measured.kept is None else measured.kept
    structure = _structure(subject, measured.mask, kept)
    judgement = _pattern(subject, measured, _occupancy(subject, kept, structure))
    bare = _statistics(subject, measured, kept, structure)
    return msgspec.structs.replace(
        bare,
        pattern=_text(judgement.pattern),
        axis=None if judgement.pattern is None else judgement.pattern.axis,
        ambiguous=judgement.ambiguous,
        groups=None if judgement.counts is None else judgement.counts.groups,
        bad_groups=None if judgement.counts is None else judgement.counts.bad,
        surplus=None if judgement.counts is None else judgement.counts.surplus,
        class_=judgement.class_,
        meant=_text(judgement.meant),
        meant_axis=None if judgement.meant is None else judgement.meant.axis,
        meant_by=judgement.meant_by,
        packed_bytes=_packed_bytes(subject, judgement, kept),
        note=_note(subject, bare),
        **_lights(subject, judgement, bare),
    )


def with_projection(report: LayerReport, projected: Projected | None) -> LayerReport:
    """Add what a 2:4 projection would keep of a dense weight."""
    if projected is None:
        return report
    return msgspec.structs.replace(report, energy_24=projected.energy, latent_24=projected.latent)


def failed(subject: Subject, sentence: str) -> LayerReport:
    """Make the row of a tensor that could not be read."""
    info = subject.info
    return LayerReport(
        name=info.name,
        kind=subject.kind.name,
        shape=info.shape,
        dtype=info.dtype.name,
        elements=info.elements,
        rule=subject.rule,
        zeros=0,
        raw_zeros=0,
        mask_zeros=None,
        near_zeros=0,
        nan=0,
        inf=0,
        min=None,
        max=None,
        mean=None,
        std=None,
        pattern=None,
        axis=None,
        ambiguous=False,
        groups=None,
        bad_groups=None,
        zero_rows=None,
        zero_columns=None,
        class_="other",
        kind_known=subject.kind.known,
        input_dim=subject.kind.input_dim,
        stored_as=info.stored_as,
        error=sentence,
    )


def _structure(subject: Subject, mask: PackedMask, kept: int) -> ZeroStructure:
    """Count zero rows, columns and so on; most weights have none, which is quickly seen."""
    if len(subject.info.shape) == 2 and mask.words.size:
        columns = np.bitwise_count(np.bitwise_or.reduce(mask.words, axis=0)).sum()
        if columns == mask.layout.columns and np.bitwise_or.reduce(mask.words, axis=1).all():
            return ZeroStructure(0, 0)
    if subject.info.elements - kept < _smallest_structure(mask.layout):
        filled = subject.kind.name == "conv"
        return ZeroStructure(0, 0, 0, 0, 0) if filled else ZeroStructure(0, 0)
    return zero_structure(mask)


def _smallest_structure(layout: Layout) -> int:
    """Give the weights of the smallest row, column or kernel: fewer zeros fill none."""
    if layout.input_dim is None:
        return 0
    column, row = layout.outputs // max(layout.stacks, 1), layout.inputs * layout.kernel
    return min(column, row, layout.kernel) if layout.kind == "conv" else min(column, row)


def _occupancy(subject: Subject, kept: int, structure: ZeroStructure) -> Occupancy:
    """Say how full the tensor is, and whether its zeros are whole lines of the GEMM view."""
    elements = subject.info.elements
    rows, columns = structure.zero_rows, structure.zero_columns
    if not rows and not columns:
        return Occupancy(kept, elements)
    layout = subject.layout
    height, width = layout.outputs, layout.stacks * layout.inputs * layout.kernel
    live = (height - (rows or 0)) * (width - (columns or 0)) / layout.stacks
    return Occupancy(kept, elements, whole_lines=0 < WHOLE_LINES_SHARE * live <= kept)


def _pattern(subject: Subject, measured: Measured, occupancy: Occupancy) -> Judgement:
    """Find what the tensor has, what it is meant to have, and its class."""
    if subject.kind.name not in PRUNABLE_KINDS:
        return Judgement("other")
    zeros = occupancy.elements - occupancy.kept
    plain: Class = (
        "unstructured"
        if occupancy.elements and zeros >= UNSTRUCTURED_SHARE * occupancy.elements
        else "dense"
    )
    if subject.meant is not None and (subject.surely or plain != "dense"):
        return _against(subject, subject.meant, measured, occupancy)
    found, almost = _recognised(subject, measured, occupancy)
    if found is not None:
        pattern = found.pattern
        return Judgement("sparse", pattern, pattern, "recognised", found.counts, found.ambiguous)
    if almost is not None:
        return Judgement("broken", None, almost.pattern, "recognised", almost.counts)
    return Judgement(plain if subject.prunable else "other")


def _against(
    subject: Subject, meant: NMPattern, measured: Measured, occupancy: Occupancy
) -> Judgement:
    """Judge against the pattern the tensor is meant to have."""
    counts = count_groups(measured.mask, meant)
    class_: Class = "broken" if counts.bad else "sparse"
    if subject.meant_by == "given" or subject.rule == "projected":
        return Judgement(class_, meant, meant, subject.meant_by, counts)
    found, _ = _recognised(subject, measured, occupancy)
    has = meant if not counts.bad else None
    if found is not None:
        has = found.pattern
    ambiguous = found is not None and found.ambiguous
    return Judgement(class_, has, meant, subject.meant_by, counts, ambiguous)


def _recognised(
    subject: Subject, measured: Measured, occupancy: Occupancy
) -> tuple[Recognised | None, Recognised | None]:
    """Look for every recognised pattern along every axis where the density allows one."""
    if not 0 < occupancy.kept < occupancy.elements:
        return None, None
    census = Census(measured.mask, axes_of(subject.layout, subject.axis))
    found = recognise(census, occupancy)
    return found, nearly(census, occupancy) if found is None else None


def _statistics(
    subject: Subject, measured: Measured, kept: int, structure: ZeroStructure
) -> LayerReport:
    """Fill in what does not depend on a pattern."""
    seen, info = measured.moments, subject.info
    numbers = seen.finite > 0
    return msgspec.structs.replace(
        failed(subject, ""),
        zeros=info.elements - kept,
        raw_zeros=seen.zeros,
        mask_zeros=measured.mask_zeros,
        near_zeros=seen.near_zeros,
        nan=seen.nan,
        inf=seen.inf,
        min=seen.minimum if numbers else None,
        max=seen.maximum if numbers else None,
        mean=seen.mean if numbers else None,
        std=seen.std if numbers else None,
        norm=seen.norm if numbers else None,
        zero_rows=structure.zero_rows,
        zero_columns=structure.zero_columns,
        zero_filters=structure.zero_filters,
        zero_channels=structure.zero_channels,
        zero_kernels=structure.zero_kernels,
        eligible=eligible(info.shape, info.dtype, subject.kind),
    )


def _packed_bytes(subject: Subject, judgement: Judgement, kept: int) -> int | None:
    """Give the bytes after packing: in its pattern, as a bitmap, or as 2:4 if it were made so."""
    elements, itemsize = subject.info.elements, subject.info.dtype.itemsize
    if judgement.class_ == "other":
        return None
    if judgement.class_ == "unstructured":
        return bitmap_bytes(elements, kept, itemsize)
    packed = judgement.meant or NMPattern(2, 4)
    return packed_bytes(elements, itemsize, packed.n, packed.m)


def _note(subject: Subject, bare: LayerReport) -> str:
    """Say what the figures do not, as sentences."""
    notes = [subject.info.note]
    if bare.elements and bare.zeros == bare.elements:
        notes.append("All zero.")
    if subject.rule == "stored" and bare.mask_zeros is not None:
        latent, dead = bare.zeros - bare.raw_zeros, bare.zeros - bare.mask_zeros
        if latent:
            notes.append(f"{latent:,} weights under the stored mask are not zero yet.")
        if dead:
            notes.append(f"{dead:,} weights that the stored mask keeps are zero.")
    return " ".join(filter(None, notes))


def _lights(subject: Subject, judgement: Judgement, bare: LayerReport) -> dict[str, Light]:
    """Set the four lights; a question that does not arise for a tensor has none."""
    lights: dict[str, Light] = {"zeros_light": "yes" if bare.zeros else "no"}
    if judgement.class_ == "other":
        return lights
    lights["eligible_light"] = "yes" if any(one.eligible for one in bare.eligible) else "no"
    if judgement.class_ != "dense":
        pattern: dict[Class, Light] = {"sparse": "yes", "broken": "violated"}
        lights["pattern_light"] = pattern.get(judgement.class_, "no")
        lights["packed_light"] = "yes" if subject.info.form == "packed" else "no"
    return lights


def _text(pattern: NMPattern | None) -> str | None:
    """Write a pattern, if there is one."""
    return None if pattern is None else str(pattern)
