"""Violations, the group under the loupe, unsteady groups, and what a repair would change."""

import numpy as np
import numpy.typing as npt

from sparse_core.analysis.cells import number, weight_at
from sparse_core.analysis.loupe import GroupView, look
from sparse_core.analysis.mending import effective
from sparse_core.analysis.places import place_of
from sparse_core.analysis.pyramid import Pyramid, pattern_of
from sparse_core.analysis.repair import preview
from sparse_core.analysis.subject import subject_of
from sparse_core.analysis.unsteady import unsteady_groups
from sparse_core.analysis.violations import Violations as Index
from sparse_core.errors import SparseError
from sparse_core.messages import (
    Done,
    FileId,
    Loupe,
    LoupeWanted,
    NextViolation,
    RepairPreview,
    RepairWanted,
    ScanOptions,
    UnsteadyWanted,
    Violations,
    ViolationsWanted,
)
from sparse_core.patterns import Axis, NMPattern
from sparse_core.service.lanes import Job
from sparse_core.service.shelf import Kept, Shelf

INDEX_BYTES = 128 << 20
"""Masks whose violations are kept counted."""

Places = npt.NDArray[np.int64]


class Findings:
    """Answers questions about groups.

    Parameters
    ----------
    shelf : Shelf
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._indices: Kept[tuple[Pyramid, NMPattern], Index] = Kept(
            INDEX_BYTES, lambda index: index.mask.words.nbytes
        )

    def violations(self, job: Job, wanted: ViolationsWanted) -> Violations:
        """List bad groups by their number."""
        pyramid, pattern = self._judged(job, wanted.file, wanted.options, wanted.tensor)
        index = self._index(pyramid, pattern)
        rows, columns = index.places(wanted.first, wanted.count)
        return _listed(wanted, pyramid, pattern, (wanted.first, index.total), rows, columns)

    def next_violation(self, job: Job, wanted: NextViolation) -> Violations:
        """Find the bad group before or after a place."""
        pyramid, pattern = self._judged(job, wanted.file, wanted.options, wanted.tensor)
        index = self._index(pyramid, pattern)
        here = index.ordinal(wanted.row, wanted.column)
        after = index.ordinal(wanted.row, wanted.column + 1) if wanted.row >= 0 else 0
        at = after if wanted.step > 0 else here - 1
        rows, columns = index.places(at, 1) if at >= 0 else index.places(0, 0)
        return _listed(wanted, pyramid, pattern, (max(at, 0), index.total), rows, columns)

    def loupe(self, job: Job, wanted: LoupeWanted) -> Loupe:
        """Look at the group of a weight."""
        pyramid, pattern = self._judged(job, wanted.file, wanted.options, wanted.tensor)
        weight = weight_at(pyramid, wanted.row, wanted.column, pattern)
        if not weight.places:
            raise SparseError(
                f"The weight at row {wanted.row}, column {wanted.column} is in no {pattern} "
                f"group along {pattern.axis}: it belongs to the tail."
            )
        view = look(weight.group, weight.group_kept, pattern)
        return Loupe(
            view=wanted.view,
            tensor=wanted.tensor,
            pattern=str(pattern),
            axis=pattern.axis,
            place=_name(wanted.tensor, pyramid, pattern, *weight.places[0]),
            values=weight.group,
            positions=weight.places,
            kept=weight.group_kept,
            correct=view.correct,
            ranks=view.ranks,
            tied=view.tied,
            margin=view.margin,
            sentence=view.sentence,
        )

    def unsteady(self, job: Job, wanted: UnsteadyWanted) -> Violations:
        """List the groups that a little noise would flip, the closest first."""
        pyramid, pattern = self._judged(job, wanted.file, wanted.options, wanted.tensor)
        checkpoint = self._shelf.checkpoint(wanted.file)
        subject = subject_of(checkpoint, wanted.tensor, wanted.options)
        raw = checkpoint.read(wanted.tensor)
        found = unsteady_groups(
            raw, subject.info.dtype, subject.layout, pattern, wanted.noise, wanted.count
        )
        rows, columns = np.divmod(found.first, max(1, subject.layout.columns))
        return _listed(wanted, pyramid, pattern, (0, found.total), rows, columns)

    def repair(self, job: Job, wanted: RepairWanted) -> Done:
        """Say for each tensor what a repair would change."""
        checkpoint = self._shelf.checkpoint(wanted.file)
        pattern = NMPattern.parse(wanted.pattern, _axis(wanted.axis))
        for name in wanted.tensors:
            job.tick()
            if name not in checkpoint.tensors:
                raise SparseError(f"{checkpoint.path} lists no tensor {name}: open it again.")
            subject = subject_of(checkpoint, name, wanted.options)
            raw = effective(checkpoint, subject)
            found = preview(raw, subject.info.dtype, subject.layout, pattern)
            job.answer(
                RepairPreview(name, found.groups, found.weights, found.norm_share, found.norm)
            )
        return Done()

    def _judged(
        self, job: Job, file: FileId, options: ScanOptions, tensor: str
    ) -> tuple[Pyramid, NMPattern]:
        """Give a tensor's mask and the pattern it is judged against."""
        pyramid = self._shelf.pyramid(file, options, tensor, job.tick)
        report = self._shelf.report(file, options, tensor)
        pattern = pyramid.pattern if report is None else pattern_of(report)
        if pattern is None:
            raise SparseError(
                f"{tensor} is judged against no pattern: choose one, as in --pattern 2:4."
            )
        return pyramid, pattern

    def _index(self, pyramid: Pyramid, pattern: NMPattern) -> Index:
        """Count the bad groups of a mask once."""
        return self._indices.get((pyramid, pattern), lambda: Index(pyramid.mask, pattern))


def _listed(
    wanted: ViolationsWanted | NextViolation | UnsteadyWanted,
    pyramid: Pyramid,
    pattern: NMPattern,
    numbers: tuple[int, int],
    rows: Places,
    columns: Places,
) -> Violations:
    """Describe groups by their first weights; ``numbers`` are the first one's and the total."""
    kept, places, texts = [], [], []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        weight = weight_at(pyramid, row, column, pattern)
        view = look(weight.group, weight.group_kept, pattern)
        kept.append(sum(weight.group_kept))
        places.append(place_of(pyramid.mask.layout, pattern, row, column))
        texts.append(_text(weight.group, weight.group_kept, view, pattern))
    return Violations(
        view=wanted.view,
        tensor=wanted.tensor,
        ordinal=numbers[0],
        total=numbers[1],
        rows=rows.astype("<i8").tobytes(),
        columns=columns.astype("<i8").tobytes(),
        kept=np.array(kept, "<i4").tobytes(),
        places=tuple(places),
        texts=tuple(texts),
    )


def _text(
    values: tuple[float, ...], kept: tuple[bool, ...], view: GroupView, pattern: NMPattern
) -> str:
    """Write ``3 kept of 4; drop -0.004``."""
    goes = [
        number(value)
        for value, held, stays in zip(values, kept, view.correct, strict=True)
        if held and not stays
    ]
    text = f"{sum(kept)} kept of {pattern.m}"
    if goes:
        return f"{text}; drop {', '.join(goes)}"
    return text if view.margin is None else f"{text}; margin {view.margin:.2%}"


def _name(tensor: str, pyramid: Pyramid, pattern: NMPattern, row: int, column: int) -> str:
    """Write ``fc1[117, 332:336]``."""
    return tensor.removesuffix(".weight") + place_of(pyramid.mask.layout, pattern, row, column)


def _axis(text: str) -> Axis:
    """Read an axis; ``NMPattern`` refuses what is none."""
    return text  # type: ignore[return-value]
