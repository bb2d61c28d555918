"""The chosen layer: its report, picture, values and tiles, as the core sends them."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal

from inspector.models.asking import Asker
from inspector.models.problem import Problem
from sparse_core.messages import (
    Answer,
    Cell,
    CellWanted,
    Failed,
    FileId,
    Layer,
    LayerWanted,
    Picture,
    PictureWanted,
    Plane,
    Request,
    ScanOptions,
    Tile,
    TileKey,
    TilesWanted,
    Values,
    ValuesWanted,
)


class LayerFocus(QObject):
    """Asks for everything about one layer and passes on what is still wanted.

    Parameters
    ----------
    link : Asker
        The way to the core.
    view : int
        Number of the view, by which newer requests take the place of older ones.
    """

    layer_arrived = Signal(object)
    """A ``LayerReport``."""
    picture_arrived = Signal(object)
    values_arrived = Signal(object)
    cell_arrived = Signal(object)
    tile_arrived = Signal(object)
    failed = Signal(object)
    """A ``Problem``."""

    def __init__(self, link: Asker, view: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._view = view
        self._file = FileId("")
        self._options = ScanOptions()
        self._tensor = ""
        self._focus: object = None
        self._waiting = 0
        self._cell_asked = False
        self._cell_next: tuple[int, int] | None = None

    @property
    def tensor(self) -> str:
        """The layer in focus, "" for none."""
        return self._tensor

    @property
    def busy(self) -> bool:
        """Whether an answer about this layer is still to come."""
        return self._waiting > 0

    def show(self, file: FileId, options: ScanOptions, tensor: str) -> None:
        """Put a layer in focus; answers about the one before are dropped from here on."""
        self._file, self._options, self._tensor = file, options, tensor
        self._focus = object()
        self._waiting = 0
        self._cell_asked, self._cell_next = False, None
        if tensor:
            self._ask(PictureWanted(self._view, file, options, tensor))
            self._ask(LayerWanted(file, options, tensor))
            self._ask(ValuesWanted(self._view, file, options, tensor))

    def release(self) -> None:
        """Have no layer in focus: whatever still comes is dropped."""
        self.show(self._file, self._options, "")

    def want_tiles(self, plane: Plane, keys: list[TileKey]) -> None:
        """Ask for tiles, nearest first; replaces what was asked before."""
        if self._tensor:
            self._ask(
                TilesWanted(self._view, self._file, self._options, self._tensor, plane, tuple(keys))
            )

    def want_cell(self, row: int, column: int) -> None:
        """Ask for a weight; while one is asked for, only the latest wish is kept."""
        if not self._tensor:
            return
        if self._cell_asked:
            self._cell_next = row, column
            return
        self._cell_asked = True
        self._ask(
            CellWanted(self._view, self._file, self._options, self._tensor, row, column),
            self._on_cell_answered,
        )

    def _ask(self, body: Request, after: Callable[[], None] | None = None) -> None:
        self._waiting += 1
        self._link.ask(body, partial(self._on_answer, self._focus, after))

    def _on_answer(self, focus: object, after: Callable[[], None] | None, answer: Answer) -> None:
        if focus is not self._focus:
            return
        if answer.last:
            self._waiting -= 1
        self._pass_on(answer)
        if answer.last and after is not None:
            after()

    def _on_cell_answered(self) -> None:
        self._cell_asked = False
        if self._cell_next is not None:
            following, self._cell_next = self._cell_next, None
            self.want_cell(*following)

    def _pass_on(self, answer: Answer) -> None:
        body = answer.body
        if isinstance(body, Tile):
            self.tile_arrived.emit(body)
        elif isinstance(body, Cell):
            self.cell_arrived.emit(body)
        elif isinstance(body, Picture):
            self.picture_arrived.emit(body)
        elif isinstance(body, Layer):
            self.layer_arrived.emit(body.report)
        elif isinstance(body, Values):
            self.values_arrived.emit(body)
        elif isinstance(body, Failed):
            self.failed.emit(
                Problem(
                    body.sentence, where=f"{self._file.path}: {self._tensor}", details=body.trace
                )
            )
