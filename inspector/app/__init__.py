"""Start the window, or draw its pages as pictures.

Importing this costs nothing: Qt comes with the call.
"""

import os
import signal
import sys
import traceback
from collections.abc import Sequence

from inspector.app.arguments import Arguments, parse
from inspector.errands import CompareTwo
from sparse_core.errors import SparseError

BAD_INPUT = 2


def main(arguments: Sequence[str]) -> int:
    """Run the window on what the arguments name; return the exit status."""
    try:
        wanted = parse(arguments)
        if wanted.pictures:
            from inspector.app.pictures import draw

            return draw(wanted)
        return run(wanted)
    except SparseError as error:
        sys.stderr.write(f"sparsescope: {error}\n")
        return BAD_INPUT


def run(wanted: Arguments) -> int:
    """Open the window; the core starts when it is up.

    Raises
    ------
    SparseError
        If there is no screen to open it on.
    """
    _need_screen()
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from inspector.app.assemble import assemble, session_path

    app = QApplication(["sparsescope"])
    assembled = assemble(app, session=session_path())
    window, link = assembled.window, assembled.link
    sys.excepthook = lambda kind, error, trace: window.tell_bug(
        "".join(traceback.format_exception(kind, error, trace))
    )
    # The loop is Qt's: Python would not see Ctrl+C. The core ends with our end of the pipe.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    window.keeping.restore()
    window.show()
    for place in wanted.paths:
        window.open_place(place)
    if wanted.diff:
        window.run(CompareTwo(wanted.paths[0], wanted.diff))
    # After the first paint: the window is up and usable while the core starts.
    QTimer.singleShot(0, link.start)
    status = app.exec()
    window.cores.stop()
    return status


def _need_screen() -> None:
    """Refuse in a sentence what Qt would refuse by aborting."""
    known = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(os.environ.get(name) for name in known):
        raise SparseError(
            "There is no screen to open a window on. Draw pictures with --pictures DIR, "
            "or come by ssh -X."
        )
