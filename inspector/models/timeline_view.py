"""What the timeline page shows, as one frozen value; everything drawn follows from it."""

from typing import Self

import msgspec

from sparse_core.messages import Rule
from sparse_core.messages.timeline import SeriesId, TimelineOptions


class Source(msgspec.Struct, frozen=True):
    """A series and the machine it lies on."""

    series: SeriesId
    host: str = ""


class TimelineView(msgspec.Struct, frozen=True):
    """The series on the page and how they are looked at.

    Attributes
    ----------
    sources : tuple of Source
        In the order of the page, laid over one another in the curves.
    front : int
        The series whose flips the map and the figures show.
    rule, pattern, axis, epsilon, reference : see ``TimelineOptions``
    step, pinned : int
        Steps: where the cursor stands, and what is compared with; -1 is the last one, and the
        one before the cursor.
    layers : tuple of str
        Chosen layers; none means all of them together.
    span : (int, int) or None
        The range of steps that every view follows.
    measure : str
        What the curves show, a name of ``series_table.MEASURES`` or of a run's own curve.
    second : str
        What a second plot below shows over the same steps, "" for none.
    log : bool
    smooth : int
        Points that are averaged.
    plane : str
        ``flips`` or ``last change``.
    """

    sources: tuple[Source, ...] = ()
    front: int = 0
    rule: Rule = "auto"
    pattern: str = ""
    axis: str = "in"
    epsilon: float = 0.0
    reference: str = ""
    step: int = -1
    pinned: int = -1
    layers: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    measure: str = "flip rate"
    second: str = ""
    log: bool = True
    smooth: int = 1
    plane: str = "last change"

    @property
    def options(self) -> TimelineOptions:
        """How the masks are made and compared."""
        return TimelineOptions(
            rule=self.rule,
            pattern=self.pattern or None,
            axis=self.axis,
            epsilon=self.epsilon,
            reference=self.reference,
        )

    def with_source(self, source: Source) -> Self:
        """Return the view with one more series in front; one that is there only comes forward."""
        if source in self.sources:
            return msgspec.structs.replace(self, front=self.sources.index(source))
        sources = (*self.sources, source)
        return msgspec.structs.replace(self, sources=sources, front=len(sources) - 1)

    def without_source(self, place: int) -> Self:
        """Return the view with a series taken away."""
        sources = self.sources[:place] + self.sources[place + 1 :]
        front = max(0, min(self.front - (place < self.front), len(sources) - 1))
        return msgspec.structs.replace(self, sources=sources, front=front)

    def with_layer(self, layer: str, *, add: bool) -> Self:
        """Return the view with a layer chosen, added to the others or given back."""
        if not add:
            layers: tuple[str, ...] = () if self.layers == (layer,) else (layer,)
        elif layer in self.layers:
            layers = tuple(name for name in self.layers if name != layer)
        else:
            layers = (*self.layers, layer)
        return msgspec.structs.replace(self, layers=layers)
