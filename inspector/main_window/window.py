"""The window itself: its parts put together, and the commands led to whoever carries them out.

It reads no files: paths are paths on a core's machine.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QEvent, Slot
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow

import resources
from inspector.commands import Commands, Situation
from inspector.errands import Errand, FineTune
from inspector.link.core import CoreLink
from inspector.link.cores import Cores
from inspector.link.places import split
from inspector.main_window.about import show_about
from inspector.main_window.choosing import Choosing, paths_of
from inspector.main_window.core_desk import CoreDesk
from inspector.main_window.frame import Frame
from inspector.main_window.journey import Journey
from inspector.main_window.leaving import Leaving
from inspector.main_window.main_menu import MainMenu
from inspector.main_window.open_files import OpenFiles
from inspector.main_window.page_commands import PageTies
from inspector.main_window.page_shelf import OF_FILES, PageShelf
from inspector.main_window.preferences import Preferences
from inspector.main_window.remote_opening import RemoteOpening
from inspector.main_window.searching import Searching
from inspector.main_window.session_keeping import SessionKeeping
from inspector.models.problem import Problem
from inspector.settings import SettingsFile
from inspector.state import Session, SessionState
from inspector.theme import SchemeFollower, Theme
from sparse_core.messages import Plane

if TYPE_CHECKING:
    # The page brings the array library: it is imported with the first checkpoint.
    from inspector.models.checkpoint_feed import CheckpointFeed
    from inspector.pages.weights import WeightsPage

SIZE = (1440, 900)
PLANES: tuple[Plane, ...] = ("density", "violation", "mask", "magnitude", "value")
_BUG = "Something went wrong in the window itself. It goes on; please report it with Copy details."


class MainWindow(QMainWindow):
    """The one window.

    Parameters
    ----------
    link : CoreLink
        To the core on this machine; started by the caller, after the window is up.
    settings : SettingsFile
    follower : SchemeFollower
        Says which theme is on the screen.
    kept : Path or None
        Where the session is kept for the next start, None to keep none.
    """

    def __init__(
        self,
        link: CoreLink,
        settings: SettingsFile,
        follower: SchemeFollower,
        kept: Path | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle("Sparsescope")
        self.setAcceptDrops(True)
        self.resize(*SIZE)
        self._build(follower.theme)
        self.session = Session(self)
        self.cores = Cores(link, lambda host: self.preferences.command_for(host), self)
        self.preferences = Preferences(settings, follower, self.cores, self)
        self.files = OpenFiles(
            self.session, self.cores, self.preferences.options, follower.theme, self
        )
        frame = self.frame
        self.core_desk = CoreDesk(
            self.cores, self.session, frame.core_label, frame.log, frame.problems, self
        )
        self.choosing = Choosing(self)
        self.journey = Journey(self.session, self)
        self.searching = Searching(self)
        self.remote = RemoteOpening(self)
        self.keeping = SessionKeeping(self, kept)
        self.ties = PageTies(self.files, self.preferences, frame.status, self)
        self.shelf = PageShelf(self)
        self.leaving = Leaving(self)
        self.commands = Commands(self._handlers(), self)
        self.addActions(self.commands.all())
        self.menu = MainMenu(self)
        self._connect(follower)
        self._show_settings()
        self.welcome.open.setFocus()
        if settings.notice:
            self.problems.add(Problem(settings.notice, severity="notice", where="settings"))

    def _build(self, theme: Theme) -> None:
        self.frame = Frame(theme)
        self.rail, self.tabs, self.search = self.frame.rail, self.frame.tabs, self.frame.search
        self.core_label, self.problems = self.frame.core_label, self.frame.problems
        self.welcome, self.stack = self.frame.welcome, self.frame.stack
        self.log, self.status = self.frame.log, self.frame.status
        self.setCentralWidget(self.frame)

    # ------------------------------------------------------------ what can be asked of it

    @property
    def pages(self) -> "dict[int, WeightsPage]":
        """Pages by the number of their file."""
        return self.files.pages

    @property
    def feeds(self) -> "dict[int, CheckpointFeed]":
        """Checkpoints by the number of their file."""
        return self.files.feeds

    @property
    def page(self) -> "WeightsPage | None":
        """The page of the checkpoint in front, None on the first screen."""
        return self.files.page

    @property
    def feed(self) -> "CheckpointFeed | None":
        """The checkpoint in front."""
        return self.files.feed

    def open_path(self, path: str, container: str = "", host: str = "") -> None:
        """Open a checkpoint, or bring it to the front if it is open."""
        state = self.session.state.with_file(path, container, host)
        self.session.show(msgspec.structs.replace(state, page="weights"))

    def open_place(self, place: str) -> None:
        """Open what a user wrote: ``PATH`` or ``HOST:PATH``."""
        host, path = split(place)
        self.open_path(path, host=host)

    def run(self, errand: Errand) -> None:
        """Bring the page forward that does this, and let it do it."""
        self.shelf.run(errand)

    def tell_bug(self, trace: str) -> None:
        """Tell of an error of our own: in the bar that it happened, in the log where."""
        for line in trace.rstrip().splitlines():
            self.log.add_line(line)
        self.problems.add(Problem(_BUG, where="window", details=trace))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep the session, and end the cores with the window; what goes on is asked about."""
        if not self.leaving.may_close():
            event.ignore()
            return
        self.keeping.save()
        self.shelf.release()
        self.cores.stop()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if paths_of(event.mimeData()):
            event.acceptProposedAction()
            self.welcome.set_hover(True)

    def event(self, event: QEvent) -> bool:
        """Forget what was dragged when it leaves."""
        if event.type() == QEvent.Type.DragLeave:
            self.welcome.set_hover(False)
        return super().event(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped."""
        self.welcome.set_hover(False)
        self.choosing.open_all(paths_of(event.mimeData()))
        event.acceptProposedAction()

    # ------------------------------------------------------------ commands

    def _handlers(self) -> dict[str, Callable[[], None]]:
        return {
            **self.choosing.handlers(),
            "file.demo": lambda: self.open_path(str(resources.demo())),
            "file.reload": self.files.reload,
            "file.close": lambda: self._close_file(self.session.state.current),
            "file.next": partial(self._step_file, 1),
            "file.previous": partial(self._step_file, -1),
            "file.quit": self._quit,
            "train.from_file": self._fine_tune,
            "view.fit": self._on_page(lambda page: page.fit_map()),
            "view.log": self._toggle_log,
            "layers.filter": self._on_page(lambda page: page.go_to_filter()),
            "layers.next": self._on_page(lambda page: page.go(1)),
            "layers.previous": self._on_page(lambda page: page.go(-1)),
            "layers.map": self._on_page(lambda page: page.go_to_map()),
            "layers.cancel": self._cancel,
            "help.copy_problem": self.problems.copy_details,
            "help.about": lambda: show_about(self, self.cores.welcome(self.core_desk.host)),
            **{f"view.{plane}": partial(self._choose_plane, plane) for plane in PLANES},
            **self.preferences.handlers(),
            **self.journey.handlers(),
            **self.searching.handlers(),
            **self.remote.handlers(),
            **self.ties.handlers(),
            **self.shelf.handlers(),
        }

    def _connect(self, follower: SchemeFollower) -> None:
        self.session.changed.connect(self._on_session_changed)
        follower.changed.connect(self._on_theme_changed)
        self.preferences.changed.connect(self._show_settings)
        self.preferences.problem_found.connect(self.problems.add)
        files = self.files
        files.page_made.connect(self._on_page_made)
        files.page_dropped.connect(self.stack.removeWidget)
        files.opened.connect(self.preferences.opened)
        files.moved.connect(self._on_file_moved)
        files.plane_chosen.connect(self._choose_plane)
        files.problem_found.connect(self.problems.add)
        files.about_dropped.connect(self.problems.clear_about)
        self.shelf.made.connect(self.stack.addWidget)
        self.shelf.moved.connect(self._update_status)
        self.rail.page_wanted.connect(self.shelf.show)
        self.tabs.file_chosen.connect(self._bring_forward)
        self.tabs.file_closed.connect(self._close_file)
        self.tabs.open_wanted.connect(self.commands["file.open"].trigger)
        self.search.clicked.connect(lambda *_: self.searching.open())
        self.welcome.open_wanted.connect(self.commands["file.open"].trigger)
        self.welcome.folder_wanted.connect(self.commands["file.open_folder"].trigger)
        self.welcome.demo_wanted.connect(self.commands["file.demo"].trigger)
        self.welcome.recent_wanted.connect(self.open_place)
        self.problems.action_wanted.connect(self._on_action_wanted)
        self.problems.count_changed.connect(lambda *_: self._update_commands())
        self.log.close_wanted.connect(self._toggle_log)
        self.status.cancel_wanted.connect(self._cancel)

    def _on_page_made(self, page: "WeightsPage") -> None:
        self.stack.addWidget(page)
        page.fine_tune.clicked.connect(lambda *_: self.commands["train.from_file"].trigger())

    def _on_page(self, act: "Callable[[WeightsPage], None]") -> Callable[[], None]:
        def handler() -> None:
            if self.page is not None:
                act(self.page)

        return handler

    @property
    def situation(self) -> Situation:
        """What decides whether commands are possible."""
        state, feed, front = self.session.state, self.feed, self.shelf.front
        return Situation(
            page=state.page,
            facts=front.facts if front is not None else frozenset(),
            files=len(state.files),
            tensor=bool(state.file and state.file.tensor),
            rows=len(feed.table) if feed else 0,
            working=bool(feed and feed.running),
            problems=len(self.problems.problems),
            broken=bool(feed and (feed.table.bad_groups > 0).any()),
            back=self.journey.can("back"),
            forward=self.journey.can("forward"),
            undo=self.journey.can("undo"),
            redo=self.journey.can("redo"),
        )

    def _cancel(self) -> None:
        """Stop what the page in front has in hand."""
        if self.shelf.front is not None:
            self.shelf.front.cancel()
        else:
            self.files.cancel()

    def _update_commands(self) -> None:
        self.commands.update_enabled(self.situation)

    # ------------------------------------------------------------ the session

    @Slot(object, object)
    def _on_session_changed(self, old: SessionState, new: SessionState) -> None:
        self.files.follow(old, new)
        self.journey.note(old, new)
        if (old.current, old.files, old.page) != (new.current, new.files, new.page):
            self._show_current(old, new)
        if old.log_shown != new.log_shown:
            self.log.setVisible(new.log_shown)
            self.commands["view.log"].setChecked(new.log_shown)

    def _show_current(self, old: SessionState, state: SessionState) -> None:
        self.tabs.set_files(
            [(file.number, file.title, file.place) for file in state.files], state.current
        )
        self.rail.set_page(state.page)
        if state.page == "weights":
            page = self.pages.get(state.current)
            self.stack.setCurrentWidget(page or self.welcome)
            if page is not None and (old.current, old.page) != (state.current, state.page):
                page.go_to_layers()
        else:
            other = self.shelf.page(state.page)
            self.stack.setCurrentWidget(other)
            if old.page != state.page:
                other.come_forward()
        self.setWindowTitle(f"{state.file.title} – Sparsescope" if state.file else "Sparsescope")
        self.core_desk.show()
        self.ties.show_hint()
        self._update_status()

    @Slot(int)
    def _bring_forward(self, number: int) -> None:
        state = self.session.state
        page = state.page if state.page in OF_FILES else "weights"
        self.session.show(msgspec.structs.replace(state, current=number, page=page))

    @Slot(int)
    def _close_file(self, number: int) -> None:
        self.session.show(self.session.state.without_file(number))

    def _step_file(self, step: int) -> None:
        numbers = [file.number for file in self.session.state.files]
        place = numbers.index(self.session.state.current) + step
        self._bring_forward(numbers[place % len(numbers)])

    def _choose_plane(self, plane: str) -> None:
        state = self.session.state
        self.session.show(state.with_view(state.current, plane=plane))

    def _fine_tune(self) -> None:
        """Fill the training form from the checkpoint in front."""
        file = self.session.state.file
        if file is not None:
            reason = f"Goes on from {file.title}."
            self.run(FineTune((("init", file.path),), file.host, reason))

    def _quit(self) -> None:
        self.close()

    def _toggle_log(self) -> None:
        state = self.session.state
        self.session.show(msgspec.structs.replace(state, log_shown=not state.log_shown))

    @Slot(int)
    def _on_file_moved(self, number: int) -> None:
        if number == self.session.state.current:
            self._update_status()

    def _update_status(self) -> None:
        feed, front = self.feed, self.shelf.front
        if front is not None:
            self.status.set_text(front.status)
            self.status.set_progress(front.progress)
        elif feed is None:
            self.status.set_text("")
            self.status.set_progress(None)
        else:
            from inspector.models.feed_words import status_of

            self.status.set_text(status_of(feed))
            self.status.set_progress(feed.progress)
        self._update_commands()

    # ------------------------------------------------------------ dialogs and preferences

    @Slot(str, str)
    def _on_action_wanted(self, command: str, where: str) -> None:
        """Do what helps, to the file that the problem is about."""
        for file in self.session.state.files:
            if file.place == where:
                self._bring_forward(file.number)
        self.commands[command].trigger()

    @Slot()
    def _show_settings(self) -> None:
        settings = self.preferences.settings
        self.welcome.set_recent(settings.recent)
        for theme in ("system", "dark", "light"):
            self.commands[f"view.{theme}"].setChecked(settings.theme == theme)
        self.files.judge(self.preferences.options)

    @Slot(object)
    def _on_theme_changed(self, theme: Theme) -> None:
        self.frame.set_theme(theme)
        self.searching.set_theme(theme)
        self.files.set_theme(theme)
        self.shelf.set_theme(theme)
