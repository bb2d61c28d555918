"""The edges of a map: whole sums are kept, pooling follows every zoom."""

import numpy as np

from sparse_core.analysis.profile import Edges, by_channel, kept_edges, pooled, square_edges
from sparse_core.analysis.pyramid import Pyramid
from sparse_core.analysis.subject import subject_of
from sparse_core.errors import SparseError
from sparse_core.messages import Profile, ProfileWanted
from sparse_core.service.lanes import Job
from sparse_core.service.shelf import Kept, Shelf

EDGE_BYTES = 16 << 20
MOST_BINS = 1 << 16


class Profiles:
    """Answers what runs along the edges.

    Parameters
    ----------
    shelf : Shelf
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._edges: Kept[tuple[Pyramid, str], Edges] = Kept(EDGE_BYTES, lambda edges: edges.bytes)

    def profile(self, job: Job, wanted: ProfileWanted) -> Profile:
        """Pool the sums of a tensor to the bins that are wanted."""
        for _, step, count in (wanted.rows, wanted.columns):
            if step < 1 or not 0 <= count <= MOST_BINS:
                raise SparseError(f"{count} bins of {step} cannot be drawn.")
        pyramid = self._shelf.pyramid(wanted.file, wanted.options, wanted.tensor, job.tick)
        edges = self._edges.get(
            (pyramid, wanted.measure), lambda: self._measured(job, wanted, pyramid)
        )
        rows, columns = pooled(edges.rows, *wanted.rows), pooled(edges.columns, *wanted.columns)
        if wanted.measure != "kept":
            rows, columns = np.sqrt(np.maximum(rows, 0)), np.sqrt(np.maximum(columns, 0))
        return Profile(
            view=wanted.view,
            tensor=wanted.tensor,
            measure=wanted.measure,
            rows=rows.astype("<f8").tobytes(),
            columns=columns.astype("<f8").tobytes(),
            whole_row=pyramid.mask.layout.columns,
            whole_column=pyramid.mask.layout.rows,
        )

    def _measured(self, job: Job, wanted: ProfileWanted, pyramid: Pyramid) -> Edges:
        if wanted.measure == "kept":
            return kept_edges(pyramid.mask)
        checkpoint = self._shelf.checkpoint(wanted.file)
        subject = subject_of(checkpoint, wanted.tensor, wanted.options)
        edges = square_edges(checkpoint, subject, job.tick)
        return edges if wanted.measure == "norm" else by_channel(edges, subject.layout)
