"""A repaired copy, written as a job that tells how far it is and can be stopped."""

from pathlib import Path

from sparse_core.analysis.mending import Wanted, choose, export_repaired
from sparse_core.analysis.meter import Meter
from sparse_core.analysis.scan import scan
from sparse_core.checkpoints.saving import check_target
from sparse_core.messages import Repaired, RepairTo
from sparse_core.service.lanes import Job
from sparse_core.service.shelf import Shelf


class Repairs:
    """Writes what the user asked for, never over anything.

    Parameters
    ----------
    shelf : Shelf
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf

    def repair_to(self, job: Job, wanted: RepairTo) -> Repaired:
        """Write a copy whose layers keep a pattern."""
        checkpoint = self._shelf.checkpoint(wanted.file)
        target = Path(wanted.out)
        check_target(target, checkpoint.local_files())
        reports = scan(
            checkpoint, wanted.options, progress=job.answer, cancelled=job.cancelled
        ).layers
        chosen = choose(checkpoint, reports, Wanted(wanted.pattern, layers=wanted.tensors))
        meter = Meter(checkpoint.summary.bytes, job.answer, job.cancelled)
        outcome = export_repaired(checkpoint, chosen, target, meter.add)
        return Repaired(
            out=str(outcome.target),
            tensors=len(outcome.mended),
            groups=sum(one.changes.groups for one in outcome.mended),
            weights=sum(one.changes.weights for one in outcome.mended),
            bytes=outcome.bytes,
        )
