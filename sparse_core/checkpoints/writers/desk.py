"""The desk on which the tensors of one model are folded into rows."""

import msgspec

from sparse_core.checkpoints.arrays import Source
from sparse_core.checkpoints.beside import Beside
from sparse_core.checkpoints.pickles.values import Wrapper
from sparse_core.checkpoints.rows import Row
from sparse_core.checkpoints.tree import Findings, Leaf, Model


class Desk:
    """What is left to fold of a model, and the rows made so far.

    Each writer's rule takes the tensors that it knows off the desk and puts rows on it; what no
    rule takes stays as it is.
    """

    def __init__(self, model: Model, findings: Findings, beside: Beside) -> None:
        self.left: dict[str, Leaf] = dict(model.tensors)
        self.findings = findings
        self.beside = beside
        self.rows: list[Row] = []
        self.writers: list[str] = []
        self.notes: list[str] = []
        self.suffixes = {name.rpartition(".")[2] for name in self.left}

    def named(self, suffix: str) -> list[str]:
        """Give what stands before ``.suffix`` in every name that ends so, in the file's order."""
        if suffix not in self.suffixes:
            return []
        end = f".{suffix}"
        return [name[: -len(suffix)] for name in self.left if name.endswith(end) or name == suffix]

    def source(self, name: str) -> Source | None:
        """Give a plain tensor that is still on the desk."""
        leaf = self.left.get(name)
        return leaf if isinstance(leaf, Source) else None

    def fold(self, row: Row, writer: str = "") -> None:
        """Take the parts of a row off the desk and put the row on it."""
        for part in row.parts:
            self.left.pop(part, None)
        self.rows.append(row)
        self.sign(writer)

    def sign(self, writer: str) -> None:
        """Name a writer whose marks were seen."""
        if writer and writer not in self.writers:
            self.writers.append(writer)

    def say(self, note: str) -> None:
        """Add a sentence for the user, once."""
        if note not in self.notes:
            self.notes.append(note)

    def wrappers(self) -> list[tuple[str, Wrapper]]:
        """Give the tensor subclasses that are still on the desk."""
        return [(name, leaf) for name, leaf in self.left.items() if isinstance(leaf, Wrapper)]


class Recognition(msgspec.Struct, frozen=True, eq=False):
    """The rows of a model, who wrote it, sentences for the user, and how many parts were folded."""

    rows: tuple[Row, ...]
    writer: str
    notes: tuple[str, ...]
    folded: int
