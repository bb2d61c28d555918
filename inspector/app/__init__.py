"""Start the window, or draw its pages as pictures.

Importing this costs nothing: Qt comes with the call.
"""

import sys
from collections.abc import Sequence

from inspector.app.arguments import Arguments, parse
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
    """Open the window; the core starts when it is up."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from inspector.app.assemble import assemble

    app = QApplication(["sparsescope"])
    assembled = assemble(app)
    window, link = assembled.window, assembled.link
    window.show()
    for path in wanted.paths:
        window.open_path(path)
    # After the first paint: the window is up and usable while the core starts.
    QTimer.singleShot(0, link.start)
    status = app.exec()
    link.stop()
    return status
