"""What the cores say of themselves: the line on the right, the log, and problems."""

import msgspec
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QLabel

from inspector.link.cores import Cores, about
from inspector.link.places import join
from inspector.models.problem import Problem
from inspector.state import Session
from inspector.views.log_pane import LogPane
from inspector.views.problem_bar import ProblemBar
from sparse_core.messages import Welcome
from sparse_core.version import VERSION

_NO_CORE = "The core process cannot be started, so no file can be read. Its log says why."
_DIED = "The core process died and was started again. What was open is asked for anew."


class CoreDesk(QObject):
    """Shows how the cores are; the label is about the core of the file in front."""

    def __init__(
        self,
        cores: Cores,
        session: Session,
        label: QLabel,
        log: LogPane,
        problems: ProblemBar,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._cores = cores
        self._session = session
        self._label = label
        self._log = log
        self._problems = problems
        cores.state_changed.connect(self._on_state)
        cores.welcomed.connect(self._on_welcomed)
        cores.logged.connect(log.add_line)
        cores.file_marked.connect(self._on_file_marked)
        cores.restarted.connect(self._on_restarted)
        cores.reconnected.connect(self._on_reconnected)

    @property
    def host(self) -> str:
        """The machine of the file in front."""
        file = self._session.state.file
        return file.host if file is not None else ""

    def show(self) -> None:
        """Say how the core of the file in front is."""
        host = self.host
        name = host or "local"
        state, welcome = self._cores.state(host), self._cores.welcome(host)
        if state != "ready" or welcome is None:
            self._label.setText(f"core: {host} · {state}" if host else f"core: {state}")
            self._label.setToolTip(self._cores.failure(host))
            return
        native = "numpy only" if welcome.native == "numpy" else f"native {welcome.native}"
        threads = f"{welcome.threads} thread{'s' if welcome.threads != 1 else ''}"
        self._label.setText(f"core: {name} · {native} · {threads}")
        self._label.setToolTip(
            f"{welcome.program} on {welcome.host}, process {welcome.pid}, Python {welcome.python}"
        )

    def _on_state(self, host: str, state: str) -> None:
        if state == "failed":
            details = self._log.text.toPlainText()
            sentence = (self._cores.failure(host) if host else "") or _NO_CORE
            self._problems.add(Problem(sentence, where=about(host), details=details))
            if not host:
                self._session.show(msgspec.structs.replace(self._session.state, log_shown=True))
        elif state == "reconnecting":
            sentence = f"{self._cores.failure(host)} It is tried again; what is shown stays."
            self._problems.add(Problem(sentence, severity="notice", where=about(host)))
        self.show()

    def _on_welcomed(self, host: str, welcome: Welcome) -> None:
        self.show()
        self._problems.clear_about(about(host))
        if welcome.program != VERSION and host:
            self._problems.add(
                Problem(
                    f"{host} has sparsescope {welcome.program}, this window is {VERSION}. They "
                    f"understand each other; `pip install sparsescope=={VERSION}` there makes "
                    "them the same.",
                    severity="notice",
                    where=f"version on {host}",
                )
            )

    def _on_file_marked(self, host: str, path: str, sentence: str) -> None:
        self._problems.add(Problem(sentence, where=join(host, path)))

    def _on_restarted(self, host: str) -> None:
        text = _DIED.replace("core process", f"core on {host}") if host else _DIED
        self._problems.add(Problem(text, severity="notice", where=about(host)))

    def _on_reconnected(self, host: str) -> None:
        text = f"The line to {host} is back. What was asked is asked again."
        self._problems.add(Problem(text, severity="notice", where=about(host)))
