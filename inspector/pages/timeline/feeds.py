"""The series of the page as they arrive: one feed for each source, made and dropped as it says."""

from PySide6.QtCore import QObject, Signal

from inspector.link.places import join
from inspector.models.desk import Desk
from inspector.models.problem import Problem
from inspector.models.series_feed import SeriesFeed
from inspector.models.series_table import SeriesTable
from inspector.models.timeline_view import Source, TimelineView
from sparse_core.messages import Progress
from sparse_core.messages.timeline import TimelineOptions


class Feeds(QObject):
    """Feeds by their source."""

    changed = Signal()
    moved = Signal()
    problem_found = Signal(object)

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._options = TimelineOptions()
        self._feeds: dict[Source, SeriesFeed] = {}

    def follow(self, view: TimelineView) -> None:
        """Read what came, or all where masks are made otherwise; drop what went."""
        if view.options != self._options:
            self._options = view.options
            for source in list(self._feeds):
                self._drop(source)
        for source in [one for one in self._feeds if one not in view.sources]:
            self._drop(source)
        for source in view.sources:
            if source not in self._feeds:
                self._take(source)

    def feed(self, source: Source) -> SeriesFeed:
        """Return the feed of a source."""
        return self._feeds[source]

    def known(self, view: TimelineView) -> list[tuple[str, SeriesTable]]:
        """Return names and tables of the series that were read."""
        found = [(self._feeds[one].name, self._feeds[one].table) for one in view.sources]
        return [(name, table) for name, table in found if table is not None]

    @property
    def running(self) -> bool:
        """Whether a series is read for the first time."""
        return any(feed.running for feed in self._feeds.values())

    @property
    def progress(self) -> Progress | None:
        """How far the first one is that is being read."""
        return next((one.progress for one in self._feeds.values() if one.progress), None)

    def cancel(self) -> None:
        """Stop reading."""
        for feed in self._feeds.values():
            feed.cancel()

    def ask_again(self, host: str) -> None:
        """Read again what the core of a machine was asked for."""
        for source, feed in self._feeds.items():
            if source.host == host:
                feed.ask_again()

    def release(self) -> None:
        """Let go of the core."""
        for source in list(self._feeds):
            self._drop(source)

    def _take(self, source: Source) -> None:
        feed = SeriesFeed(self._desk.asker(source.host), source.series, self._options, self)
        feed.changed.connect(self.changed)
        feed.moved.connect(self.moved)
        feed.failed.connect(lambda problem: self._on_failed(source, problem))
        self._feeds[source] = feed

    def _drop(self, source: Source) -> None:
        feed = self._feeds.pop(source)
        feed.release()
        feed.deleteLater()

    def _on_failed(self, source: Source, problem: Problem) -> None:
        self.problem_found.emit(
            Problem(
                problem.sentence,
                where=join(source.host, problem.where),
                details=problem.details,
            )
        )
