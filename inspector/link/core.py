"""The link to the core: questions out, answers in, and a new core when one dies.

No threads: the process writes into a buffer of Qt's, and the window decodes at most 4 ms of it a
turn of its loop.
"""

from collections.abc import Sequence
from time import perf_counter

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from inspector.link.endings import LINE_PAUSES_MS, Ending, Exit, judge, other_version
from inspector.link.inbox import Inbox
from inspector.link.process import CoreProcess
from inspector.link.questions import OnAnswer, Question, Questions, twice
from sparse_core.messages import (
    PROTOCOL,
    Call,
    Cancel,
    Credit,
    Hello,
    Request,
    WatchFiles,
    Welcome,
    encode_frames,
)
from sparse_core.version import VERSION

TURN_S = 0.004
"""The longest the window decodes before it looks after the user again."""

PAUSES_MS = (0, 500, 2000)
"""How long the link waits before it starts the next core, by how many in a row never spoke."""


class CoreLink(QObject):
    """A core process that can be asked questions, started again whenever it dies.

    Questions may be asked at any time; they wait until a core is ready. One that was in flight
    when a core died is asked again once; at the second death it is answered with ``Failed`` and
    its file is marked.

    Parameters
    ----------
    command : sequence of str, optional
        Argument vector of a core, as ``("ssh", "HOST", "sparsescope", "serve")``; None starts one
        on this machine.
    parent : QObject, optional
    host : str
        The machine at the other end of a line that may break, "" for none.

    Attributes
    ----------
    native : str
        Which kernels the core runs; "" before it spoke.
    ready : bool
        Whether a core is there to answer.
    failure : str
        Why there is no core and what to do, once the state is ``failed`` or ``reconnecting``.
    """

    state_changed = Signal(str)
    """``starting``, ``ready``, ``restarting``, ``reconnecting`` or ``failed``."""

    welcomed = Signal(object)
    """``Welcome``: the core's first message."""

    logged = Signal(str)
    """A line of the core's stderr."""

    news = Signal(object)
    """A reply that nobody asked for: ``FileChanged``."""

    file_marked = Signal(str, str)
    """Path and sentence: a question about this file was in flight when two cores died."""

    restarted = Signal()
    """A new core has taken the place of one that died."""

    reconnected = Signal()
    """The line that was cut is back, with a new core at its end."""

    def __init__(
        self,
        command: Sequence[str] | None = None,
        parent: QObject | None = None,
        *,
        host: str = "",
        threads: int = 0,
    ) -> None:
        super().__init__(parent)
        self.native = ""
        self.ready = False
        self.failure = ""
        self.host = host
        self._threads = threads
        self._command = None if command is None else tuple(command)
        self._process: CoreProcess | None = None
        self._inbox: Inbox | None = None
        self._encoder = msgspec.msgpack.Encoder()
        self._questions = Questions()
        self._watched = WatchFiles(())
        self._number = 0
        self._silent_deaths = 0
        self._lines_lost = 0
        self._met = False
        self._died = False
        self._turn = QTimer(self)
        self._turn.setSingleShot(True)
        self._turn.timeout.connect(self._on_turn)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.timeout.connect(self._launch)

    @property
    def pid(self) -> int:
        """Process number of the core, 0 when there is none."""
        return 0 if self._process is None else self._process.pid

    def start(self) -> None:
        """Start a core; returns at once. Does nothing while one runs."""
        if self._process is None and not self._again.isActive():
            self._silent_deaths = self._lines_lost = 0
            self.failure = ""
            self.state_changed.emit("starting")
            self._launch()

    def stop(self) -> None:
        """End the core and everything it started. Open questions are dropped unanswered."""
        self._again.stop()
        self._questions.drop_all()
        self.ready = False
        self._died = False
        if self._process is not None:
            self._process.stop()
        self._drop_process()

    def set_command(self, command: Sequence[str]) -> None:
        """Start the next core by another command."""
        self._command = tuple(command)

    def set_threads(self, threads: int) -> None:
        """Let the core scan with so many threads, 0 for as many as it thinks best."""
        self._threads = threads
        if self.ready:
            self._greet()

    def ask(self, body: Request, on_answer: OnAnswer | None = None) -> int:
        """Ask the core.

        Parameters
        ----------
        body : Request
        on_answer : callable, optional
            Given each ``Answer``, the last one with ``last`` set. Not called after ``stop``.

        Returns
        -------
        int
            The number of the call, for ``cancel`` and ``LookFirst``.
        """
        self._number += 1
        if isinstance(body, WatchFiles):
            self._watched = body
        number = self._number
        self._questions.add(number, body, on_answer)
        self._send_due()
        return number

    def cancel(self, call: int) -> None:
        """Stop a call; its last answer will be ``Stopped``."""
        self.ask(Cancel(call))

    @Slot()
    def _launch(self) -> None:
        """Start a process."""
        self._process = CoreProcess(self._command, self)
        self._inbox = Inbox(self._process)
        self._process.arrived.connect(self._on_arrived)
        self._process.logged.connect(self.logged)
        self._process.ended.connect(self._on_ended)
        self._process.start()

    @Slot()
    def _on_arrived(self) -> None:
        """Decode soon: not now, for many signals may come in one turn."""
        if not self._turn.isActive():
            self._turn.start(0)

    @Slot()
    def _on_turn(self) -> None:
        """Decode for at most 4 ms, then let the window live."""
        until = perf_counter() + TURN_S
        # The core may be given up in the middle of a turn.
        while self._inbox is not None and (payload := self._inbox.next_payload()) is not None:
            # Before the answer is handled: a receiver that fails does not stop the others.
            self._turn.start(0)
            self._take(self._inbox, payload)
            if perf_counter() >= until:
                break
        else:
            self._turn.stop()
        self._pay()

    def _take(self, inbox: Inbox, payload: bytes) -> None:
        """Hand one answer to who waits for it."""
        try:
            answer = inbox.decode(payload)
        except msgspec.DecodeError as error:
            self.logged.emit(f"An answer of the core was not understood: {error}")
            if not self.ready:
                self._give_up(other_version("of another version", 0, PROTOCOL, self.host))
            return
        if isinstance(answer.body, Welcome):
            self._on_welcome(answer.body)
        elif answer.id == 0:
            self.news.emit(answer.body)
        else:
            on_answer = self._questions.answered(answer)
            if answer.last:
                self._send_due()
            if on_answer is not None:
                on_answer(answer)

    def _pay(self) -> None:
        """Credit the bulk frames that were digested."""
        owed = self._inbox.owed() if self._inbox is not None and self.ready else 0
        if owed:
            self._send(Call(0, Credit(owed)))

    def _on_welcome(self, welcome: Welcome) -> None:
        """Begin to ask."""
        if welcome.protocol != PROTOCOL:
            self._give_up(other_version(welcome.program, welcome.protocol, PROTOCOL, self.host))
            return
        back = self._lines_lost > 0
        self._silent_deaths = self._lines_lost = 0
        self.failure = ""
        self.native = welcome.native
        self.ready = self._met = True
        self._greet()
        if self._died and self._watched.files:
            self._tell(self._watched)
        self._send_due()
        self.state_changed.emit("ready")
        self.welcomed.emit(welcome)
        if self._died:
            self._died = False
            (self.reconnected if back else self.restarted).emit()

    def _greet(self) -> None:
        """Say who asks, and how many threads a scan may take."""
        self._tell(Hello(PROTOCOL, VERSION, self._threads))

    def _send_due(self) -> None:
        """Send what the core does not have yet."""
        if self.ready:
            for question in self._questions.due():
                question.sent = True
                self._send(question.call)

    def _tell(self, body: Request) -> None:
        """Send what nobody waits for an answer to."""
        self._number += 1
        self._send(Call(self._number, body))

    def _send(self, call: Call) -> None:
        """Write a call."""
        if self._process is not None:
            for frame in encode_frames(self._encoder.encode(call)):
                self._process.write(frame)

    @Slot(object)
    def _on_ended(self, how: Exit) -> None:
        """Start another core, unless that is of no use."""
        spoke, self.ready = self.ready, False
        while self._inbox is not None and (payload := self._inbox.next_payload()) is not None:
            self._take(self._inbox, payload)
        ending = judge(how, self.host, self._met)
        self._drop_process()
        self.logged.emit(f"The core{self._where} ended: {how.why}.")
        lost = self._questions.core_died(blamed=not ending.line_lost)
        self._died = self._died or spoke
        self._go_on(ending, spoke)
        for path in dict.fromkeys(question.path for question in lost if question.path):
            self.file_marked.emit(path, twice(path))
        for question in lost:
            question.fail(twice(question.path), "Died")

    def _go_on(self, ending: Ending, spoke: bool) -> None:
        """Try again now, later or not at all."""
        if ending.line_lost:
            pause = LINE_PAUSES_MS[min(self._lines_lost, len(LINE_PAUSES_MS) - 1)]
            self._lines_lost += 1
            self.failure = ending.sentence
            self._again.start(pause)
            self.state_changed.emit("reconnecting")
            return
        self._silent_deaths = 0 if spoke else self._silent_deaths + 1
        if ending.hopeless or self._silent_deaths >= len(PAUSES_MS):
            self._fail(ending.sentence)
        else:
            self._again.start(PAUSES_MS[self._silent_deaths])
            self.state_changed.emit("restarting")

    @property
    def _where(self) -> str:
        return f" on {self.host}" if self.host else ""

    def _give_up(self, sentence: str) -> None:
        """Stop trying: the core is there, but is of no use."""
        if self._process is not None:
            self._process.stop()
        self._drop_process()
        self._fail(sentence)

    def _fail(self, sentence: str) -> None:
        """Answer everything with a sentence."""
        self.failure = sentence
        self.logged.emit(sentence)
        dropped: list[Question] = self._questions.drop_all()
        self.state_changed.emit("failed")
        for question in dropped:
            question.fail(sentence, "NoCore")

    def _drop_process(self) -> None:
        """Forget a process that has ended."""
        self._turn.stop()
        self._inbox = None
        if self._process is not None:
            self._process.deleteLater()
            self._process = None
