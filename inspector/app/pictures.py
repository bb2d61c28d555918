"""Draw what the window would show, in both themes, without a display.

``DIR/PAGE-light.png``, ``DIR/PAGE-dark.png`` and one ``DIR/shown.json``; the names do not depend
on the input, so that documents and tests can point at them.
"""

import math
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from inspector.app.arguments import Arguments
from inspector.errands import CompareTwo
from inspector.page_names import PAGES
from sparse_core.errors import SparseError

SIZE = (1440, 900)
_NOISE = "This plugin does not support propagateSizeHints()"
"""What the offscreen platform says of every window; stderr is for the user's one line."""
_WAIT_MS = 50


def draw(wanted: Arguments) -> int:
    """Draw the pages of one checkpoint; return the exit status.

    Raises
    ------
    SparseError
        If the checkpoint, the layer, the place or the folder is no good.
    """
    folder = Path(wanted.pictures)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SparseError(f"No pictures can be written to {folder}: {error.strerror}.") from error
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    # A scale or theme of the user's desktop would make other pictures.
    os.environ["QT_SCALE_FACTOR"] = "1"
    with tempfile.TemporaryDirectory(prefix="sparsescope-") as private:
        shown = _Studio(Path(private) / "settings.json").draw(wanted, folder)
    text = msgspec.json.format(msgspec.json.encode(shown)) + b"\n"
    try:
        (folder / "shown.json").write_bytes(text)
    except OSError as error:
        raise SparseError(f"{folder}/shown.json cannot be written: {error.strerror}.") from error
    return 0


class _Studio:
    """A window that nobody sees."""

    def __init__(self, settings: Path) -> None:
        from PySide6.QtCore import QEventLoop, qInstallMessageHandler
        from PySide6.QtWidgets import QApplication

        from inspector.app.assemble import assemble

        qInstallMessageHandler(_tell)
        self._app = QApplication(["sparsescope"])
        self._turn = QEventLoop.ProcessEventsFlag.WaitForMoreEvents
        assembled = assemble(self._app, settings)
        self._window, self._follower = assembled.window, assembled.follower
        self._link = assembled.link
        self._window.resize(*SIZE)

    def draw(self, wanted: Arguments, folder: Path) -> dict[str, Any]:
        """Draw every page asked for and return what it says."""
        self._window.show()
        self._link.start()
        try:
            self._window.open_place(wanted.paths[0])
            self._until_settled()
            self._choose(wanted)
            self._point(wanted)
            if wanted.diff:
                self._window.run(CompareTwo(wanted.paths[0], wanted.diff, wanted.tensor))
            shown: dict[str, Any] = {}
            for page in [wanted.page] if wanted.page else PAGES:
                self._window.shelf.show(page)
                self._until_settled()
                self._save(page, folder)
                shown |= self._shown(page, alone=page == wanted.page)
            return shown
        finally:
            self._window.leaving.agree()
            self._window.close()

    def _choose(self, wanted: Arguments) -> None:
        """Choose layer and plane as the user would."""
        page, feed = self._window.page, self._window.feed
        assert page is not None
        assert feed is not None
        if wanted.tensor:
            if feed.table.row_of(wanted.tensor) < 0:
                raise SparseError(f"{wanted.paths[0]} has no tensor {wanted.tensor!r}.")
            page.tensor_chosen.emit(wanted.tensor)
        if wanted.plane:
            page.plane_chosen.emit(wanted.plane)
        self._until_settled()

    def _point(self, wanted: Arguments) -> None:
        """Go close, and put the cursor on a weight."""
        page = self._window.page
        assert page is not None
        picture = page.canvas.picture
        if wanted.at is not None:
            row, column = wanted.at
            if picture is None or row >= picture.rows or column >= picture.columns:
                size = f"{picture.rows} x {picture.columns}" if picture else "empty"
                raise SparseError(f"--at {row},{column} lies outside the picture, which is {size}.")
            if wanted.zoom is not None:
                page.canvas.zoom_to(row, column)
            page.look_at(row, column)
        if wanted.zoom is not None:
            page.canvas.set_zoom(step_for(wanted.zoom))
        self._until_settled()

    def _save(self, page: str, folder: Path) -> None:
        for theme in ("light", "dark"):
            self._follower.wish(theme)
            self._app.processEvents()
            path = folder / f"{page}-{theme}.png"
            if not self._window.grab().save(str(path)):
                raise SparseError(f"The picture {path} cannot be written.")

    def _shown(self, page: str, alone: bool) -> dict[str, Any]:
        """Return what a page says; what the checkpoint's own says stands on top."""
        front = self._window.shelf.front
        if front is None:
            assert self._window.page is not None
            return self._window.page.shown()
        return front.shown() if alone else {page: front.shown()}

    def _until_settled(self) -> None:
        window = self._window

        def settled() -> bool:
            front = window.shelf.front
            if front is not None:
                return front.settled
            return window.page is not None and window.page.settled

        self._until(settled)

    def _until(self, done: Callable[[], bool]) -> None:
        """Let the program run until something is done, or a problem turns up."""
        # What was just asked for must be under way before it can be found done.
        self._app.processEvents()
        while not done():
            self._app.processEvents(self._turn, _WAIT_MS)
            for problem in self._window.problems.problems:
                if problem.severity == "error":
                    # A traceback of the core, where there is one: nobody sees the log pane here.
                    sys.stderr.write(problem.details)
                    raise SparseError(problem.sentence)


def _tell(_kind: object, _context: object, message: str) -> None:
    """Pass on what Qt says, but for the noise."""
    if message != _NOISE:
        sys.stderr.write(f"{message}\n")


def step_for(pixels: float) -> int:
    """Return the zoom step of the map at which a weight has so many pixels, or the next below."""
    from inspector.views.tile_canvas.span import CELLS

    if pixels < 1:
        return -math.ceil(math.log2(1 / pixels))
    return max(step for step, cell in enumerate(CELLS) if cell <= pixels)
