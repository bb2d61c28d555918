"""What the training page shows, as one frozen value; everything drawn follows from it."""

from typing import Literal, Self

import msgspec

from inspector.models.recipe import Answers

MOST_RECENT = 8
MOST_OVERLAID = 6

Side = Literal["run", "jobs", "table", "costs"]


class TrainingView(msgspec.Struct, frozen=True):
    """The form, the run that is watched, and how it is looked at.

    Attributes
    ----------
    host : str
        The machine that trains, "" for this one.
    answers : Answers
        What stands in the form.
    more : bool
        Whether the seldom wanted fields are shown.
    run : str
        The run folder that is watched, "" for none.
    overlaid : tuple of str
        Further run folders whose curves are laid over it.
    side : str
        What stands right of the form.
    measures : (str, str, str)
        What each plot shows.
    logs : (bool, bool, bool)
        Which plot has a logarithmic axis.
    smooth : int
        Points that are averaged.
    layer : str
        The layer whose mask is looked at, "" for none.
    plane : str
        ``last change`` or ``flips`` of that mask.
    recent : tuple of Answers
        What was started last, the latest first.
    table : str
        The folder whose runs are compared.
    """

    host: str = ""
    answers: Answers = Answers()
    more: bool = False
    run: str = ""
    overlaid: tuple[str, ...] = ()
    side: Side = "run"
    measures: tuple[str, str, str] = ("loss", "metric", "flip rate")
    logs: tuple[bool, bool, bool] = (False, False, True)
    smooth: int = 1
    layer: str = ""
    plane: str = "last change"
    recent: tuple[Answers, ...] = ()
    table: str = ""

    def watching(self, run: str) -> Self:
        """Return the view with another run in front."""
        overlaid = tuple(one for one in self.overlaid if one != run)
        layer = self.layer if run == self.run else ""
        return msgspec.structs.replace(self, run=run, overlaid=overlaid, side="run", layer=layer)

    def with_overlaid(self, run: str) -> Self:
        """Return the view with a run laid over the one in front, or taken away again."""
        if run == self.run:
            return self
        kept = tuple(one for one in self.overlaid if one != run)
        if len(kept) == len(self.overlaid):
            kept = (*kept, run)[-MOST_OVERLAID:]
        return msgspec.structs.replace(self, overlaid=kept)

    def started(self) -> Self:
        """Return the view with what stands in the form as the most recent."""
        others = tuple(one for one in self.recent if one.named != self.answers.named)
        recent = (msgspec.structs.replace(self.answers, run=""), *others)[:MOST_RECENT]
        return msgspec.structs.replace(self, recent=recent)

    def with_measure(self, place: int, measure: str) -> Self:
        """Return the view with one plot showing something else."""
        measures = list(self.measures)
        measures[place] = measure
        return msgspec.structs.replace(self, measures=tuple(measures))

    def with_log(self, place: int, log: bool) -> Self:
        """Return the view with one plot's axis logarithmic or not."""
        logs = list(self.logs)
        logs[place] = log
        return msgspec.structs.replace(self, logs=tuple(logs))
