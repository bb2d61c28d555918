"""The open checkpoints: a feed and a page for each, made and dropped as the session says."""

from functools import partial
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, Signal

from inspector.link.cores import Cores, about
from inspector.link.places import join
from inspector.models.problem import Problem
from inspector.state import FileView, Session, SessionState
from inspector.theme import Theme
from sparse_core.messages import FileChanged, ScanOptions, WatchFiles

if TYPE_CHECKING:
    # The page brings the array library: it is imported with the first checkpoint.
    from inspector.models.checkpoint_feed import CheckpointFeed
    from inspector.pages.weights import WeightsPage


class OpenFiles(QObject):
    """Feeds and pages by the number of their file.

    Parameters
    ----------
    session : Session
    cores : Cores
    options : ScanOptions
        How files that are opened from now on are judged.
    theme : Theme

    Attributes
    ----------
    feeds : dict of int to CheckpointFeed
    pages : dict of int to WeightsPage
    """

    page_made = Signal(object)
    page_dropped = Signal(object)
    opened = Signal(str)
    """The headers of a file at this place were read."""
    moved = Signal(int)
    """Something of the file with this number became known."""
    plane_chosen = Signal(str)
    problem_found = Signal(object)
    about_dropped = Signal(str)
    """A place that is no longer open, or is read anew."""

    def __init__(
        self,
        session: Session,
        cores: Cores,
        options: ScanOptions,
        theme: Theme,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._cores = cores
        self._theme = theme
        self.options = options
        self.feeds: dict[int, CheckpointFeed] = {}
        self.pages: dict[int, WeightsPage] = {}
        cores.news.connect(self._on_news)
        cores.restarted.connect(self._ask_again)
        cores.reconnected.connect(self._ask_again)

    @property
    def page(self) -> "WeightsPage | None":
        """The page in front, None on the first screen."""
        return self.pages.get(self._session.state.current)

    @property
    def feed(self) -> "CheckpointFeed | None":
        """The checkpoint in front."""
        return self.feeds.get(self._session.state.current)

    def follow(self, old: SessionState, new: SessionState) -> None:
        """Open what came, end what went, show every file as it is looked at now."""
        if [file.number for file in old.files] != [file.number for file in new.files]:
            staying = {file.number for file in new.files}
            for file in old.files:
                if file.number not in staying:
                    self._drop(file)
            for file in new.files:
                if file.number not in self.feeds:
                    self._take(file)
            self._watch()
        for file in new.files:
            self.pages[file.number].show_view(file)

    def reload(self) -> None:
        """Read the file in front again; wake its core where that was given up."""
        file, feed = self._session.state.file, self.feed
        if file is not None and feed is not None:
            self._cores.wake(file.host)
            self.about_dropped.emit(file.place)
            feed.reload()

    def judge(self, options: ScanOptions) -> None:
        """Judge files by other options from now on; what is open is read anew."""
        if options == self.options:
            return
        self.options = options
        for feed in self.feeds.values():
            feed.judge(options)

    def cancel(self) -> None:
        """Stop what runs for the file in front."""
        if self.feed is not None:
            self.feed.cancel()

    def set_theme(self, theme: Theme) -> None:
        """Paint with other colours."""
        self._theme = theme
        for page in self.pages.values():
            page.set_theme(theme)

    def _take(self, file: FileView) -> None:
        from inspector.models.checkpoint_feed import CheckpointFeed
        from inspector.pages.weights import WeightsPage

        link = self._cores.of(file.host)
        feed = CheckpointFeed(link, file.path, file.container, self.options, self)
        page = WeightsPage(link, feed, file, self._theme)
        number = file.number
        feed.opened.connect(partial(self._on_opened, file))
        feed.failed.connect(partial(self._on_failed, file))
        for signal in (feed.stage_changed, feed.progress_changed, feed.filled, feed.listed):
            signal.connect(partial(self._on_moved, number))
        page.tensor_chosen.connect(partial(self._choose_tensor, number))
        page.plane_chosen.connect(self.plane_chosen)
        page.spot_moved.connect(partial(self._on_spot_moved, number))
        page.container_chosen.connect(partial(self._open_container, file))
        page.problem_found.connect(partial(self._on_failed, file))
        self.feeds[number], self.pages[number] = feed, page
        self.page_made.emit(page)

    def _drop(self, file: FileView) -> None:
        feed, page = self.feeds.pop(file.number), self.pages.pop(file.number)
        page.release()
        feed.close()
        self.page_dropped.emit(page)
        page.deleteLater()
        feed.deleteLater()
        self.about_dropped.emit(file.place)

    def _on_opened(self, file: FileView) -> None:
        self.opened.emit(file.place)
        self._watch()

    def _on_failed(self, file: FileView, problem: Problem) -> None:
        """Say on which machine the thing lies that a problem is about."""
        where = join(file.host, problem.where) if problem.where else file.place
        if problem.sentence == self._cores.failure(file.host):
            # The core's own words: told once, with a way to try again.
            problem = msgspec.structs.replace(problem, action="file.reload")
            where = about(file.host)
        self.problem_found.emit(msgspec.structs.replace(problem, where=where))

    def _on_moved(self, number: int, *_: object) -> None:
        self.moved.emit(number)

    def _choose_tensor(self, number: int, tensor: str) -> None:
        state = self._session.state
        if any(file.number == number and file.tensor != tensor for file in state.files):
            self._session.show(state.with_view(number, tensor=tensor, spot=None))

    def _on_spot_moved(self, number: int, spot: object) -> None:
        self._session.show(self._session.state.with_view(number, spot=spot))

    def _open_container(self, file: FileView, container: str) -> None:
        self._session.show(self._session.state.with_file(file.path, container, file.host))

    def _watch(self) -> None:
        """Let every core watch the files that it has open."""
        for host in self._cores.hosts():
            stamped = [
                self.feeds[file.number].file
                for file in self._session.state.files
                if file.host == host and file.number in self.feeds
            ]
            self._cores.of(host).ask(WatchFiles(tuple(file for file in stamped if file.stamp)))

    def _on_news(self, host: str, news: object) -> None:
        if not isinstance(news, FileChanged):
            return
        path = news.file.path
        name = path.rstrip("/").rpartition("/")[2] or path
        named = f"{name} on {host}" if host else name
        text = (
            f"{named} is gone from the disk. What is shown was read before."
            if news.gone
            else f"{named} changed on disk. What is shown is what it was."
        )
        self.problem_found.emit(
            Problem(text, severity="notice", where=join(host, path), action="file.reload")
        )

    def _ask_again(self, host: str) -> None:
        for file in self._session.state.files:
            if file.host == host:
                self.pages[file.number].canvas.ask_again()
