"""A core that answers from a script: arrays in memory, answers in the next turn of the loop.

It speaks the messages of the pipe and nothing else, so a page cannot tell it from the real one.
"""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal
from scripted_groups import about_groups, profile_of, repair_previews

from sparse_core.messages import (
    ROWS_A_FRAME,
    TILE,
    Answer,
    CacheHeld,
    CacheWanted,
    Cell,
    CellWanted,
    CheckpointSummary,
    CloseCheckpoint,
    Container,
    Done,
    Failed,
    Layer,
    LayerColumns,
    LayerReport,
    LayerWanted,
    LookFirst,
    OpenCheckpoint,
    Opened,
    Phrase,
    Picture,
    PictureWanted,
    ProfileWanted,
    Progress,
    Repaired,
    RepairTo,
    RepairWanted,
    ScanCheckpoint,
    Scanned,
    Stopped,
    TensorColumns,
    Tile,
    TilesWanted,
    Values,
    ValuesWanted,
    Verdict,
    WatchFiles,
)


def small_network(seed: int = 0) -> dict[str, np.ndarray]:
    """Two 2:4 layers, one of them broken in one group, a dense head and biases."""
    random = np.random.default_rng(seed)

    def weight(*shape: int) -> np.ndarray:
        return random.standard_normal(shape).astype(np.float32)

    network = {"fc1.weight": weight(16, 32), "fc1.bias": weight(16)}
    network |= {"fc2.weight": weight(8, 16), "fc2.bias": weight(8)}
    for name in ("fc1.weight", "fc2.weight"):
        groups = network[name].reshape(-1, 4)
        groups[:, random.permutation(4)[:2]] = 0
    network["fc1.weight"][5, 8:12] = (0.5, -0.25, 0.125, 0)
    network["head.weight"] = weight(10, 8)
    return network


def listing(names: Sequence[str], first: int = 0, side: int = 4) -> TensorColumns:
    """Return a listing frame of square fp32 linear weights."""
    count = len(names)
    return TensorColumns(
        first=first,
        names=tuple(names),
        kinds=("linear",) * count,
        dtypes=("float32",) * count,
        shapes=((side, side),) * count,
        elements=np.full(count, side * side, "<i8").tobytes(),
        bytes=np.full(count, side * side * 4, "<i8").tobytes(),
        prunable=np.ones(count, np.uint8).tobytes(),
        known=np.ones(count, np.uint8).tobytes(),
    )


def scanned(
    rows: Sequence[int], zeros: Sequence[int], bad: Sequence[int], pattern: str = "2:4"
) -> LayerColumns:
    """Return a scan frame: a row with bad groups is broken, the others sparse."""
    count = len(rows)
    lights = [(1, 3 if broken > 0 else 1, 2, 1) for broken in bad]
    return LayerColumns(
        rows=np.array(rows, "<i4").tobytes(),
        zeros=np.array(zeros, "<i8").tobytes(),
        groups=np.full(count, 4, "<i8").tobytes(),
        bad_groups=np.array(bad, "<i8").tobytes(),
        surplus=np.array(bad, "<i8").tobytes(),
        patterns=(pattern,) * count,
        axes=("in",) * count,
        classes=tuple("broken" if broken > 0 else "sparse" for broken in bad),
        rules=("zeros",) * count,
        errors=("",) * count,
        lights=np.array(lights, np.uint8).tobytes(),
    )


class ScriptedCore(QObject):
    """Stands where the link to the core stands."""

    state_changed = Signal(str)
    welcomed = Signal(object)
    logged = Signal(str)
    news = Signal(object)
    file_marked = Signal(str, str)
    restarted = Signal()
    reconnected = Signal()
    failure = ""

    def __init__(self, files: dict[str, dict[str, np.ndarray]]) -> None:
        super().__init__()
        self.files = files
        self.asked: list[object] = []
        self.cancelled: list[int] = []
        self.hold_scan = False
        self.stopped = False
        self._calls: dict[int, Callable[[Answer], None] | None] = {}
        self._number = 0

    def start(self) -> None:
        self.state_changed.emit("ready")

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def stop(self) -> None:
        self.stopped = True
        self._calls.clear()

    def ask(self, body: object, on_answer: Callable[[Answer], None] | None = None) -> int:
        self._number += 1
        number = self._number
        self.asked.append(body)
        self._calls[number] = on_answer
        QTimer.singleShot(0, self, lambda: self._reply(number, body))
        return number

    def cancel(self, call: int) -> None:
        self.cancelled.append(call)
        self.answer(call, Stopped())

    def answer(self, number: int, *bodies: object) -> None:
        """Answer a call; the last of these bodies ends it."""
        on_answer = self._calls.pop(number, None)
        if on_answer is not None:
            for place, body in enumerate(bodies, start=1):
                on_answer(Answer(number, body, last=place == len(bodies)))

    def tell(self, number: int, body: object) -> None:
        """Answer a call that goes on."""
        on_answer = self._calls.get(number)
        if on_answer is not None:
            on_answer(Answer(number, body))

    def number_of(self, kind: type) -> int:
        """Return the number of the latest call of a kind."""
        return max(i for i, body in enumerate(self.asked, start=1) if isinstance(body, kind))

    def count_of(self, kind: type) -> int:
        """Return how many calls of a kind came so far."""
        return sum(isinstance(body, kind) for body in self.asked)

    # ------------------------------------------------------------ the script

    def _reply(self, number: int, body: object) -> None:
        if number not in self._calls:
            return
        if isinstance(body, WatchFiles | CloseCheckpoint | LookFirst):
            self.answer(number, Done())
            return
        if isinstance(body, CacheWanted):
            self.answer(number, CacheHeld("/cache", 0 if body.clear else 3, 0 if body.clear else 9))
            return
        network = self.files.get(body.file.path)
        if network is None:
            self.answer(number, Failed(f"{body.file.path} does not exist.", "CheckpointError"))
        elif isinstance(body, OpenCheckpoint):
            self._list(number, body, network)
        elif isinstance(body, ScanCheckpoint):
            self._scan(number, network)
        elif isinstance(body, TilesWanted):
            self.answer(number, *self._tiles(body, network), Done())
        elif isinstance(body, RepairWanted):
            self.answer(number, *repair_previews(body, network), Done())
        elif isinstance(body, RepairTo):
            self.tell(number, Progress(1, 2, "bytes", None))
            self.answer(number, Repaired(body.out, 1, 1, 1, 4096))
        else:
            self.answer(number, self._about(body, network))

    def _list(self, number: int, body: OpenCheckpoint, network: dict[str, np.ndarray]) -> None:
        names = list(network)
        elements = sum(array.size for array in network.values())
        summary = CheckpointSummary(
            body.file.path, "scripted", "", (Container("", len(names), elements),),
            len(names), elements, elements, 0, 4 * elements,
        )  # fmt: skip
        self.tell(number, Opened(msgspec.structs.replace(body.file, stamp="1"), summary))
        for first in range(0, len(names), ROWS_A_FRAME):
            part = names[first : first + ROWS_A_FRAME]
            arrays = [network[name] for name in part]
            frame = listing(part, first)
            self.tell(
                number,
                msgspec.structs.replace(
                    frame,
                    shapes=tuple(array.shape for array in arrays),
                    elements=np.array([array.size for array in arrays], "<i8").tobytes(),
                    prunable=np.array([array.ndim > 1 for array in arrays], np.uint8).tobytes(),
                ),
            )
        self.answer(number, Done())

    def _scan(self, number: int, network: dict[str, np.ndarray]) -> None:
        zeros = [int((array == 0).sum()) for array in network.values()]
        bad = [_bad_groups(array) for array in network.values()]
        self.tell(number, Progress(1, len(network), "tensors", 2.0))
        if self.hold_scan:
            return
        self.tell(number, scanned(range(len(network)), zeros, bad))
        broken = [name for name, count in zip(network, bad, strict=True) if count > 0]
        phrases = tuple(Phrase(f"{name} breaks it. ", name) for name in broken)
        self.tell(
            number,
            Verdict(
                text="Meant to be 2:4, and is not everywhere.",
                headline="Meant to be 2:4, and is not everywhere.",
                detail=(Phrase("1 of 2 is exactly 2:4: "), *phrases),
                conditions="Rule: zeros",
                mood="look",
                prunable=3, sparse=1, broken=len(broken), unstructured=0, dense=1,
            ),
        )  # fmt: skip
        self.answer(number, Scanned(4096, 0.004, native=True, cached=False))

    def _about(self, body: object, network: dict[str, np.ndarray]) -> object:
        array = np.atleast_2d(network[body.tensor])
        rows, columns = array.shape
        if isinstance(body, PictureWanted):
            return Picture(
                body.view, body.tensor, rows, columns, 1, 1, "out", "in",
                float(abs(array).max()), "2:4", "in", 1, 4,
            )  # fmt: skip
        if isinstance(body, CellWanted):
            value = float(array[body.row, body.column])
            return Cell(
                body.view, body.tensor, body.row, body.column, (body.row, body.column),
                value, value != 0, text=f"row {body.row}, in {body.column}   {value:.4f}",
            )  # fmt: skip
        if isinstance(body, ValuesWanted):
            kept = array[array != 0]
            counts, edges = np.histogram(kept, bins=body.bins)
            return Values(
                body.view, body.tensor, edges.astype("<f8").tobytes(),
                counts.astype("<i8").tobytes(), int((array == 0).sum()), 0, 0,
            )  # fmt: skip
        if isinstance(body, ProfileWanted):
            return profile_of(body, array)
        if isinstance(body, LayerWanted):
            return Layer(_report(body.tensor, network[body.tensor]))
        return about_groups(body, array)

    def _tiles(self, body: TilesWanted, network: dict[str, np.ndarray]) -> list[Tile]:
        kept = np.atleast_2d(network[body.tensor]) != 0
        tiles = []
        for key in body.tiles:
            part = kept[key.row * TILE : (key.row + 1) * TILE]
            part = part[:, key.column * TILE : (key.column + 1) * TILE]
            data = (part * np.uint8(255)).tobytes()
            height, width = part.shape
            tiles.append(Tile(body.view, body.tensor, body.plane, key, height, width, False, data))
        return tiles


def _bad_groups(array: np.ndarray) -> int:
    if array.ndim < 2 or array.shape[1] % 4 or (array != 0).all():
        return -1
    return int(((array.reshape(-1, 4) != 0).sum(axis=1) > 2).sum())


def _report(name: str, array: np.ndarray) -> LayerReport:
    bad = _bad_groups(array)
    zeros = int((array == 0).sum())
    return LayerReport(
        name=name, kind="linear", shape=array.shape, dtype="float32", elements=array.size,
        rule="zeros", zeros=zeros, raw_zeros=zeros, mask_zeros=None, near_zeros=0, nan=0, inf=0,
        min=float(array.min()), max=float(array.max()), mean=float(array.mean()),
        std=float(array.std()), pattern="2:4" if bad == 0 else None,
        axis="in" if bad == 0 else None, ambiguous=False, groups=array.size // 4,
        bad_groups=bad if bad >= 0 else None, zero_rows=0, zero_columns=0,
        class_="broken" if bad > 0 else "sparse" if bad == 0 else "dense",
        kind_known=True, meant="2:4" if bad >= 0 else None, meant_axis="in" if bad >= 0 else None,
        meant_by="recognised" if bad >= 0 else "",
    )  # fmt: skip
