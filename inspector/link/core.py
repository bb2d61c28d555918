"""The link to the core: questions out, answers in, and a new core when one dies.

No threads: the process writes into a buffer of Qt's, and the window decodes at most 4 ms of it a
turn of its loop.
"""

from collections.abc import Sequence
from time import perf_counter

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from inspector.link.process import CoreProcess
from inspector.link.questions import OnAnswer, Question, Questions
from sparse_core.messages import (
    PROTOCOL,
    Answer,
    Call,
    Cancel,
    Credit,
    Failed,
    FrameReader,
    Hello,
    Request,
    WatchFiles,
    Welcome,
    encode_frames,
)
from sparse_core.version import VERSION

TURN_S = 0.004
"""The longest the window decodes before it looks after the user again."""

READ_BYTES = 1 << 18
CREDIT_FRAMES = 8
"""Bulk frames that are credited together."""

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

    Attributes
    ----------
    native : str
        Which kernels the core runs; "" before it spoke.
    ready : bool
        Whether a core is there to answer.
    """

    state_changed = Signal(str)
    """``starting``, ``ready``, ``restarting`` or ``failed``."""

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

    def __init__(self, command: Sequence[str] | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.native = ""
        self.ready = False
        self._command = None if command is None else tuple(command)
        self._process: CoreProcess | None = None
        self._reader = FrameReader()
        self._credited = 0
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Answer)
        self._questions = Questions()
        self._watched = WatchFiles(())
        self._number = 0
        self._silent_deaths = 0
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
            self._silent_deaths = 0
            self.state_changed.emit("starting")
            self._launch()

    def stop(self) -> None:
        """End the core and everything it started. Open questions are dropped unanswered."""
        self._turn.stop()
        self._again.stop()
        self._questions.drop_all()
        self.ready = False
        self._died = False
        if self._process is not None:
            self._process.stop()
            self._process.deleteLater()
            self._process = None

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
        self._reader = FrameReader()
        self._credited = 0
        self._process = CoreProcess(self._command, self)
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
        while (payload := self._next_payload()) is not None:
            # Before the answer is handled: a receiver that fails does not stop the others.
            self._turn.start(0)
            self._take(payload)
            if perf_counter() >= until:
                break
        else:
            self._turn.stop()
        self._pay()

    def _next_payload(self) -> bytes | None:
        """Give the next message that has arrived."""
        while self._process is not None:
            payload = self._reader.take()
            if payload is not None:
                return payload
            data = self._process.read(READ_BYTES)
            if not data:
                return None
            self._reader.push(data)
        return None

    def _take(self, payload: bytes) -> None:
        """Hand one answer to who waits for it."""
        try:
            answer = self._decoder.decode(payload)
        except msgspec.DecodeError as error:
            self.logged.emit(f"An answer of the core was not understood: {error}")
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
        owed = self._reader.bulk_frames - self._credited
        if owed >= CREDIT_FRAMES and self.ready:
            self._credited = self._reader.bulk_frames
            self._send(Call(0, Credit(owed)))

    def _on_welcome(self, welcome: Welcome) -> None:
        """Begin to ask."""
        if welcome.protocol != PROTOCOL:
            self._give_up(
                f"The core is version {welcome.program} and speaks protocol {welcome.protocol}, "
                f"this window is {VERSION} and speaks {PROTOCOL}: install the same version of "
                "sparsescope on both machines."
            )
            return
        self._silent_deaths = 0
        self.native = welcome.native
        self.ready = True
        self._tell(Hello(PROTOCOL, VERSION))
        if self._died and self._watched.files:
            self._tell(self._watched)
        self._send_due()
        self.state_changed.emit("ready")
        self.welcomed.emit(welcome)
        if self._died:
            self._died = False
            self.restarted.emit()

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

    @Slot(str)
    def _on_ended(self, why: str) -> None:
        """Start another core, unless several in a row never spoke."""
        spoke, self.ready = self.ready, False
        while (payload := self._next_payload()) is not None:
            self._take(payload)
        self._drop_process()
        self.logged.emit(f"The core ended: {why}.")
        lost = self._questions.core_died()
        self._died = self._died or spoke
        self._silent_deaths = 0 if spoke else self._silent_deaths + 1
        if self._silent_deaths >= len(PAUSES_MS):
            self._fail(f"The core cannot be started ({why}): the log says more.")
        else:
            self._again.start(PAUSES_MS[self._silent_deaths])
            self.state_changed.emit("restarting")
        self._mark(lost)

    def _mark(self, lost: list[Question]) -> None:
        """Answer what is not asked a third time, and mark its files."""
        marked = dict.fromkeys(question.path for question in lost if question.path)
        for path in marked:
            self.file_marked.emit(path, _TWICE.format(path=path))
        for question in lost:
            _answer(question, _TWICE.format(path=question.path or "this question"), "Died")

    def _give_up(self, sentence: str) -> None:
        """Stop trying: the core is there, but is of no use."""
        if self._process is not None:
            self._process.stop()
        self._drop_process()
        self._fail(sentence)

    def _fail(self, sentence: str) -> None:
        """Answer everything with a sentence."""
        self.logged.emit(sentence)
        dropped = self._questions.drop_all()
        self.state_changed.emit("failed")
        for question in dropped:
            _answer(question, sentence, "NoCore")

    def _drop_process(self) -> None:
        """Forget a process that has ended."""
        self._turn.stop()
        if self._process is not None:
            self._process.deleteLater()
            self._process = None


_TWICE = (
    "The core died twice while it worked on {path}; it is not tried again by itself. The file may "
    "have been cut short while it was read: check it, then open it again."
)


def _answer(question: Question, sentence: str, kind: str) -> None:
    """Answer a question that the core will never answer."""
    if question.on_answer is not None:
        question.on_answer(Answer(question.call.id, Failed(sentence, kind), last=True))
