"""The window: a rail of pages, open checkpoints as tabs, and what the core has to say.

It owns the open checkpoints and hands every change of the session to whoever shows it. It reads
no files: paths are paths on the core's machine.
"""

import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QEvent, QMimeData, Qt, QUrl, Slot
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QMessageBox,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

import resources
from inspector.commands import MENUS, Commands, Situation
from inspector.models.problem import Problem
from inspector.settings import Settings, SettingsFile
from inspector.state import FileView, Session, SessionState
from inspector.theme import SchemeFollower, Theme
from inspector.views.file_tabs import FileTabs
from inspector.views.log_pane import LogPane
from inspector.views.page_rail import PageRail
from inspector.views.problem_bar import ProblemBar
from inspector.views.status_line import StatusLine
from inspector.views.welcome import Welcome
from sparse_core.messages import FileChanged, Plane, ScanOptions, WatchFiles
from sparse_core.messages import Welcome as CoreWelcome
from sparse_core.version import VERSION

if TYPE_CHECKING:
    from inspector.link.core import CoreLink

    # The page brings the array library: it is imported with the first checkpoint.
    from inspector.models.checkpoint_feed import CheckpointFeed
    from inspector.pages.weights import WeightsPage

SIZE = (1440, 900)
PLANES: tuple[Plane, ...] = ("density", "violation", "mask", "magnitude", "value")
_NO_CORE = "The core process cannot be started, so no file can be read. Its log says why."
_BUG = "Something went wrong in the window itself. It goes on; please report it with Copy details."
_LOG_HEIGHT = 180
_TOP_HEIGHT = 30


class MainWindow(QMainWindow):
    """The one window.

    Parameters
    ----------
    link : CoreLink
        Started by the caller, after the window is up.
    settings : SettingsFile
    follower : SchemeFollower
        Says which theme is on the screen.
    """

    def __init__(self, link: "CoreLink", settings: SettingsFile, follower: SchemeFollower) -> None:
        super().__init__()
        self._link = link
        self._settings = settings
        self._follower = follower
        self.session = Session(self)
        self.feeds: dict[int, CheckpointFeed] = {}
        self.pages: dict[int, WeightsPage] = {}
        self._welcomed: CoreWelcome | None = None
        self.setWindowTitle("Sparsescope")
        self.setAcceptDrops(True)
        self.resize(*SIZE)
        self._build(follower.theme)
        self.commands = Commands(self._handlers(), self)
        self.addActions(self.commands.all())
        self._build_menu()
        self._connect()
        self._show_settings(settings.settings)
        self.welcome.open.setFocus()
        if settings.notice:
            self.problems.add(Problem(settings.notice, severity="notice", where="settings"))

    # ------------------------------------------------------------ what can be asked of it

    @property
    def page(self) -> "WeightsPage | None":
        """The page in front, None on the first screen."""
        return self.pages.get(self.session.state.current)

    @property
    def feed(self) -> "CheckpointFeed | None":
        """The checkpoint in front."""
        return self.feeds.get(self.session.state.current)

    def open_path(self, path: str, container: str = "") -> None:
        """Open a checkpoint, or bring it to the front if it is open."""
        self.session.show(self.session.state.with_file(path, container))

    def tell_bug(self, trace: str) -> None:
        """Tell of an error of our own: in the bar that it happened, in the log where."""
        for line in trace.rstrip().splitlines():
            self.log.add_line(line)
        self.problems.add(Problem(_BUG, where="window", details=trace))

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the core with the window."""
        self._link.stop()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and folders."""
        if _paths_of(event.mimeData()):
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
        for path in _paths_of(event.mimeData()):
            self.open_path(path)
        event.acceptProposedAction()

    # ------------------------------------------------------------ building

    def _build(self, theme: Theme) -> None:
        icon = partial(resources.icon, "weights")
        self.rail = PageRail({"weights": ("Weights", icon)}, theme)
        self.rail.set_page("weights")
        self.tabs = FileTabs(theme)
        self.core_label = QLabel("core: starting")
        self.core_label.setProperty("tone", "dim")
        # The row keeps its height while there are no tabs: nothing jumps with the first file.
        self.core_label.setMinimumHeight(_TOP_HEIGHT)
        self.problems = ProblemBar(theme)
        self.welcome = Welcome(theme)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.welcome)
        self.log = LogPane()
        self.log.setFixedHeight(_LOG_HEIGHT)
        self.log.hide()
        self.status = StatusLine(theme)
        top = QHBoxLayout()
        top.addWidget(self.tabs)
        top.addStretch(1)
        top.addWidget(self.core_label)
        column = QVBoxLayout()
        column.setContentsMargins(12, 6, 12, 4)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.problems)
        column.addWidget(self.stack, 1)
        column.addWidget(self.log)
        column.addWidget(self.status)
        across = QHBoxLayout()
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self.rail)
        across.addLayout(column, 1)
        central = QWidget()
        central.setLayout(across)
        self.setCentralWidget(central)

    def _build_menu(self) -> None:
        self._menu = QMenu("Menu", self)
        self._recent_menu = QMenu("Open recent", self)
        self._recent_menu.aboutToShow.connect(self._fill_recent)
        for title in MENUS:
            below = self._menu.addMenu(title)
            below.setToolTipsVisible(True)
            below.addActions(self.commands.of_menu(title))
            if title == MENUS[0]:
                below.insertMenu(self.commands["file.reload"], self._recent_menu)
        button = QToolButton()
        button.setText("Menu")
        button.setProperty("link", True)
        button.setAccessibleName("Menu")
        button.setShortcut(QKeySequence("F10"))
        button.setToolTip("Menu (F10)")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(self._menu)
        self.rail.add_below(button)

    def _handlers(self) -> dict[str, Callable[[], None]]:
        planes = {f"view.{plane}": partial(self._choose_plane, plane) for plane in PLANES}
        themes = {
            f"view.{theme}": partial(self._choose_theme, theme)
            for theme in ("system", "dark", "light")
        }
        return {
            "file.open": partial(self._ask_path, QFileDialog.FileMode.ExistingFiles),
            "file.open_folder": partial(self._ask_path, QFileDialog.FileMode.Directory),
            "file.demo": lambda: self.open_path(str(resources.demo())),
            "file.reload": self._reload,
            "file.close": lambda: self._close_file(self.session.state.current),
            "file.next": partial(self._step_file, 1),
            "file.previous": partial(self._step_file, -1),
            "file.quit": self._quit,
            "view.fit": self._on_page(lambda page: page.fit_map()),
            "view.log": self._toggle_log,
            "layers.filter": self._on_page(lambda page: page.go_to_filter()),
            "layers.next": self._on_page(lambda page: page.go(1)),
            "layers.previous": self._on_page(lambda page: page.go(-1)),
            "layers.map": self._on_page(lambda page: page.go_to_map()),
            "layers.cancel": self._cancel,
            "help.copy_problem": self.problems.copy_details,
            "help.about": self._about,
            **planes,
            **themes,
        }

    def _connect(self) -> None:
        self.session.changed.connect(self._on_session_changed)
        self._follower.changed.connect(self._on_theme_changed)
        self._connect_link()
        self.tabs.file_chosen.connect(self._bring_forward)
        self.tabs.file_closed.connect(self._close_file)
        self.tabs.open_wanted.connect(self.commands["file.open"].trigger)
        self.welcome.open_wanted.connect(self.commands["file.open"].trigger)
        self.welcome.folder_wanted.connect(self.commands["file.open_folder"].trigger)
        self.welcome.demo_wanted.connect(self.commands["file.demo"].trigger)
        self.welcome.recent_wanted.connect(self.open_path)
        self.problems.action_wanted.connect(self._on_action_wanted)
        self.problems.count_changed.connect(lambda *_: self._update_commands())
        self.log.close_wanted.connect(self._toggle_log)
        self.status.cancel_wanted.connect(self._cancel)

    def _connect_link(self) -> None:
        self._link.state_changed.connect(self._on_core_state)
        self._link.welcomed.connect(self._on_core_welcomed)
        self._link.logged.connect(self.log.add_line)
        self._link.news.connect(self._on_news)
        self._link.file_marked.connect(self._on_file_marked)
        self._link.restarted.connect(self._on_core_restarted)

    # ------------------------------------------------------------ the session

    @Slot(object, object)
    def _on_session_changed(self, old: SessionState, new: SessionState) -> None:
        if [file.number for file in old.files] != [file.number for file in new.files]:
            self._follow_files(old, new)
        for file in new.files:
            self.pages[file.number].show_view(file)
        if old.current != new.current or old.files != new.files:
            self._show_current(old, new)
        if old.log_shown != new.log_shown:
            self.log.setVisible(new.log_shown)
            self.commands["view.log"].setChecked(new.log_shown)

    def _follow_files(self, old: SessionState, new: SessionState) -> None:
        """Open feeds for the files that came, end those of the files that went."""
        staying = {file.number for file in new.files}
        for file in old.files:
            if file.number not in staying:
                self._drop_file(file)
        for file in new.files:
            if file.number not in self.feeds:
                self._take_file(file)
        self._watch()

    def _take_file(self, file: FileView) -> None:
        from inspector.models.checkpoint_feed import CheckpointFeed
        from inspector.pages.weights import WeightsPage

        options = ScanOptions(threshold=self._settings.settings.threshold)
        feed = CheckpointFeed(self._link, file.path, file.container, options, self)
        page = WeightsPage(self._link, feed, file, self._follower.theme)
        number = file.number
        feed.opened.connect(partial(self._on_opened, number))
        feed.failed.connect(self.problems.add)
        for signal in (feed.stage_changed, feed.progress_changed, feed.filled, feed.listed):
            signal.connect(partial(self._on_feed_moved, number))
        page.tensor_chosen.connect(partial(self._choose_tensor, number))
        page.plane_chosen.connect(self._choose_plane)
        page.container_chosen.connect(partial(self.open_path, file.path))
        page.problem_found.connect(self.problems.add)
        self.feeds[number], self.pages[number] = feed, page
        self.stack.addWidget(page)

    def _drop_file(self, file: FileView) -> None:
        feed, page = self.feeds.pop(file.number), self.pages.pop(file.number)
        page.release()
        feed.close()
        self.stack.removeWidget(page)
        page.deleteLater()
        feed.deleteLater()
        self.problems.clear_about(file.path)

    def _show_current(self, old: SessionState, state: SessionState) -> None:
        self.tabs.set_files(
            [(file.number, file.title, file.path) for file in state.files], state.current
        )
        page = self.pages.get(state.current)
        self.stack.setCurrentWidget(page or self.welcome)
        if page is not None and old.current != state.current:
            page.go_to_layers()
        self.setWindowTitle(f"{state.file.title} – Sparsescope" if state.file else "Sparsescope")
        self._update_status()

    @Slot(int)
    def _bring_forward(self, number: int) -> None:
        self.session.show(msgspec.structs.replace(self.session.state, current=number))

    @Slot(int)
    def _close_file(self, number: int) -> None:
        self.session.show(self.session.state.without_file(number))

    def _step_file(self, step: int) -> None:
        numbers = [file.number for file in self.session.state.files]
        place = numbers.index(self.session.state.current) + step
        self._bring_forward(numbers[place % len(numbers)])

    def _choose_tensor(self, number: int, tensor: str) -> None:
        self.session.show(self.session.state.with_view(number, tensor=tensor))

    def _choose_plane(self, plane: str) -> None:
        state = self.session.state
        self.session.show(state.with_view(state.current, plane=plane))

    def _quit(self) -> None:
        self.close()

    def _toggle_log(self) -> None:
        state = self.session.state
        self.session.show(msgspec.structs.replace(state, log_shown=not state.log_shown))

    def _on_page(self, act: "Callable[[WeightsPage], None]") -> Callable[[], None]:
        def handler() -> None:
            if self.page is not None:
                act(self.page)

        return handler

    # ------------------------------------------------------------ checkpoints

    def _on_opened(self, number: int) -> None:
        path = self.feeds[number].file.path
        self._change_settings(self._settings.settings.opened(path))
        self._watch()

    def _on_feed_moved(self, number: int, *_: object) -> None:
        if number == self.session.state.current:
            self._update_status()

    def _update_status(self) -> None:
        feed = self.feed
        if feed is None:
            self.status.set_text("")
            self.status.set_progress(None)
        else:
            from inspector.models.feed_words import status_of

            self.status.set_text(status_of(feed))
            self.status.set_progress(feed.progress)
        self._update_commands()

    def _update_commands(self) -> None:
        state, feed = self.session.state, self.feed
        self.commands.update_enabled(
            Situation(
                files=len(state.files),
                tensor=bool(state.file and state.file.tensor),
                rows=len(feed.table) if feed else 0,
                working=bool(feed and feed.running),
                problems=len(self.problems.problems),
            )
        )

    def _watch(self) -> None:
        stamped = tuple(feed.file for feed in self.feeds.values() if feed.file.stamp)
        self._link.ask(WatchFiles(stamped))

    def _reload(self) -> None:
        feed = self.feed
        if feed is not None:
            self.problems.clear_about(feed.file.path)
            feed.reload()

    def _cancel(self) -> None:
        if self.feed is not None:
            self.feed.cancel()

    def _ask_path(self, mode: QFileDialog.FileMode) -> None:
        dialog = QFileDialog(self, "Open a checkpoint")
        dialog.setFileMode(mode)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._on_paths_chosen)
        dialog.open()

    @Slot(list)
    def _on_paths_chosen(self, paths: list[str]) -> None:
        for path in paths:
            self.open_path(path)

    @Slot(str, str)
    def _on_action_wanted(self, command: str, where: str) -> None:
        """Do what helps, to the file that the problem is about."""
        for file in self.session.state.files:
            if file.path == where:
                self._bring_forward(file.number)
        self.commands[command].trigger()

    # ------------------------------------------------------------ the core

    @Slot(str)
    def _on_core_state(self, state: str) -> None:
        if state == "ready":
            return
        self.core_label.setText(f"core: {state}")
        if state == "failed":
            details = self.log.text.toPlainText()
            self.problems.add(Problem(_NO_CORE, where="core", details=details))
            self.session.show(msgspec.structs.replace(self.session.state, log_shown=True))

    @Slot(object)
    def _on_core_welcomed(self, welcome: CoreWelcome) -> None:
        self._welcomed = welcome
        native = "numpy only" if welcome.native == "numpy" else f"native {welcome.native}"
        threads = f"{welcome.threads} thread{'s' if welcome.threads != 1 else ''}"
        self.core_label.setText(f"core: local · {native} · {threads}")
        self.core_label.setToolTip(
            f"{welcome.program} on {welcome.host}, process {welcome.pid}, Python {welcome.python}"
        )

    @Slot(object)
    def _on_news(self, news: object) -> None:
        if not isinstance(news, FileChanged):
            return
        name = os.path.basename(news.file.path)  # noqa: PTH119 - text of another machine
        text = (
            f"{name} is gone from the disk. What is shown was read before."
            if news.gone
            else f"{name} changed on disk. What is shown is what it was."
        )
        self.problems.add(
            Problem(text, severity="notice", where=news.file.path, action="file.reload")
        )

    @Slot(str, str)
    def _on_file_marked(self, path: str, sentence: str) -> None:
        self.problems.add(Problem(sentence, where=path))

    @Slot()
    def _on_core_restarted(self) -> None:
        self.problems.add(
            Problem(
                "The core process died and was started again. What was open is asked for anew.",
                severity="notice",
                where="core",
            )
        )
        for page in self.pages.values():
            page.canvas.ask_again()

    # ------------------------------------------------------------ preferences

    def _change_settings(self, settings: Settings) -> None:
        failure = self._settings.change(settings)
        if failure:
            self.problems.add(Problem(failure, severity="notice", where="settings"))
        self._show_settings(settings)

    def _show_settings(self, settings: Settings) -> None:
        self.welcome.set_recent(settings.recent)
        for theme in ("system", "dark", "light"):
            self.commands[f"view.{theme}"].setChecked(settings.theme == theme)

    def _choose_theme(self, wish: str) -> None:
        settings = msgspec.structs.replace(self._settings.settings, theme=wish)
        self._change_settings(settings)
        self._follower.wish(wish)

    @Slot(object)
    def _on_theme_changed(self, theme: Theme) -> None:
        for part in (self.rail, self.tabs, self.problems, self.welcome, self.status):
            part.set_theme(theme)
        for page in self.pages.values():
            page.set_theme(theme)

    @Slot()
    def _fill_recent(self) -> None:
        self._recent_menu.clear()
        for path in self._settings.settings.recent:
            action = self._recent_menu.addAction(path.replace("&", "&&"))
            action.triggered.connect(partial(self._open_recent, path))
        self._recent_menu.setDisabled(not self._settings.settings.recent)

    def _open_recent(self, path: str, *_: object) -> None:
        self.open_path(path)

    def _about(self) -> None:
        core = self._welcomed
        box = QMessageBox(self)
        box.setWindowTitle("About Sparsescope")
        box.setText(f"Sparsescope {VERSION}")
        box.setInformativeText(
            f"Core: {core.program}, native path {core.native}, Python {core.python}"
            if core
            else "The core is not running."
        )
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.open()


def _paths_of(data: QMimeData) -> list[str]:
    """Return the local paths that were dragged."""
    urls: list[QUrl] = data.urls() if data.hasUrls() else []
    return [url.toLocalFile() for url in urls if url.isLocalFile()]
