"""Which two points of a series are compared, from where the cursor, the pin and the range are."""

import msgspec

from inspector.models.series_table import SeriesTable, near
from inspector.models.timeline_view import TimelineView


class Interval(msgspec.Struct, frozen=True):
    """Numbers of two points; ``before`` may be the later one where a later step is pinned."""

    before: int
    after: int

    @property
    def ordered(self) -> tuple[int, int]:
        """The points in the order of their steps."""
        return min(self.before, self.after), max(self.before, self.after)

    @property
    def neighbours(self) -> bool:
        """Whether the later point comes right after the earlier one, and is the one asked for."""
        return self.after - self.before == 1


def interval_of(table: SeriesTable, view: TimelineView) -> Interval:
    """Return the points whose masks are compared.

    From the pinned step to the cursor; else from the start of the range to the cursor in it; else
    from the step before the cursor.
    """
    at = near(table, view.step)
    if view.pinned >= 0:
        return Interval(near(table, view.pinned), at)
    if view.span is not None:
        first, last = span_of(table, view)
        return Interval(first, at if first < at <= last else last)
    return Interval(max(at - 1, 0), at)


def span_of(table: SeriesTable, view: TimelineView) -> tuple[int, int]:
    """Return the first and the last point of the range, of the series where there is none."""
    last = len(table.steps) - 1
    if view.span is None:
        return 0, last
    return near(table, view.span[0]), near(table, view.span[1])
