"""The runs that are watched: one feed each, made and dropped as the view says."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from inspector.link.places import join
from inspector.models.desk import Desk
from inspector.models.problem import Problem
from inspector.models.run_feed import RunFeed
from inspector.models.training_view import TrainingView


class Watching(QObject):
    """Feeds by machine and run folder."""

    changed = Signal()
    problem_found = Signal(object)

    def __init__(self, desk: Desk, parent: QObject) -> None:
        super().__init__(parent)
        self._desk = desk
        self._feeds: dict[tuple[str, str], RunFeed] = {}

    def follow(self, view: TrainingView) -> None:
        """Follow what the view watches, and let go of the rest."""
        runs = (view.run, *view.overlaid) if view.run else ()
        wanted = [(view.host, run) for run in runs]
        for key in [key for key in self._feeds if key not in wanted]:
            feed = self._feeds.pop(key)
            feed.release()
            feed.deleteLater()
        for host, run in wanted:
            if (host, run) not in self._feeds:
                self._take(host, run)

    def feed(self, host: str, run: str) -> RunFeed | None:
        """Return the feed of a run."""
        return self._feeds.get((host, run))

    def named(self, view: TrainingView) -> Sequence[tuple[str, RunFeed]]:
        """Return names and feeds of the runs of a view, the one in front first."""
        found = [self._feeds[view.host, run] for run in (view.run, *view.overlaid) if view.run]
        return [(feed.name, feed) for feed in found]

    @property
    def caught_up(self) -> bool:
        """Whether all that the folders hold was drawn."""
        return all(feed.caught_up for feed in self._feeds.values())

    def ask_again(self, host: str) -> None:
        """Follow anew what the core of a machine was asked for."""
        for (where, _), feed in self._feeds.items():
            if where == host:
                feed.ask_again()

    def release(self) -> None:
        """Let go of the core."""
        self.follow(TrainingView())

    def _take(self, host: str, run: str) -> None:
        feed = RunFeed(self._desk.asker(host), run, self)
        feed.changed.connect(self.changed)
        feed.state_changed.connect(self.changed)
        feed.failed.connect(lambda problem: self._on_failed(host, problem))
        self._feeds[host, run] = feed

    def _on_failed(self, host: str, problem: Problem) -> None:
        self.problem_found.emit(
            Problem(problem.sentence, problem.severity, join(host, problem.where), problem.details)
        )
