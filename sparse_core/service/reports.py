"""A report, written as a job that tells how far it is and can be stopped."""

from sparse_core.analysis.report import gather, pages
from sparse_core.analysis.report.place import Place
from sparse_core.messages import ReportTo, ReportWritten
from sparse_core.runs.places import absolute
from sparse_core.service.lanes import Job
from sparse_core.service.scanning import Scans
from sparse_core.service.shelf import Shelf


class Reports:
    """Writes reports, over nothing but an older report, and that only where allowed.

    Parameters
    ----------
    shelf : Shelf
    scans : Scans
        Says how many threads may read.
    """

    def __init__(self, shelf: Shelf, scans: Scans) -> None:
        self._shelf = shelf
        self._scans = scans

    def report_to(self, job: Job, wanted: ReportTo) -> ReportWritten:
        """Write the report of a file."""
        checkpoint = self._shelf.checkpoint(wanted.file)
        html, json = absolute(wanted.html), absolute(wanted.json) if wanted.json else None
        place = Place(html, json, wanted.replace)
        place.check(checkpoint.local_files())
        material = gather(
            checkpoint,
            wanted.options,
            threads=self._scans.threads,
            progress=job.answer,
            cancelled=job.cancelled,
        )
        made = pages(material)
        job.tick()
        written = place.write(made)
        return ReportWritten(
            html=str(html),
            json="" if json is None else str(json),
            html_bytes=written[html],
            json_bytes=0 if json is None else written[json],
            unread=tuple(layer.error for layer in material.layers if layer.error),
        )
