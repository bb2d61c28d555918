"""What can be copied out of a page: text to paste into a ticket, a shell, a notebook."""

import csv
import io
import shlex

from inspector.models.layer_table import LayerTable, Rows
from sparse_core.messages import Cell, FileId, ScanOptions

_HEADER = (
    "name", "kind", "dtype", "shape", "elements", "zeros", "density", "pattern", "axis", "class",
    "groups", "bad", "surplus", "rule", "error",
)  # fmt: skip


def value_text(cell: Cell | None) -> str:
    """Return a weight as Python writes it, all its digits."""
    return "" if cell is None or cell.value is None else repr(cell.value)


def row_text(table: LayerTable, row: int) -> str:
    """Return a row of the table below its header, as CSV."""
    return _csv([_HEADER, _fields(table, row)])


def table_text(table: LayerTable, rows: Rows) -> str:
    """Return the rows shown, in their order, as CSV."""
    return _csv([_HEADER, *(_fields(table, row) for row in rows.tolist())])


def command_text(file: FileId, options: ScanOptions, filter_text: str = "") -> str:
    """Return the command line that scans the same file in the same way."""
    words = ["sparsescope", "scan", file.path]
    if file.container:
        words += ["--container", file.container]
    if options.rule != "auto":
        words += ["--rule", options.rule]
    if options.pattern is not None:
        words += ["--pattern", options.pattern, "--axis", options.axis]
    if options.threshold:
        words += ["--threshold", repr(options.threshold)]
    if filter_text.strip():
        words.append(f"--where={' '.join(filter_text.split())}")
    return shlex.join(words)


def python_text(file: FileId, tensor: str, cell: Cell | None) -> str:
    """Return Python that opens the file and reads the layer, and the weight in view."""
    container = f", container={file.container!r}" if file.container else ""
    lines = [
        "import sparse_core",
        "",
        f"with sparse_core.open({file.path!r}{container}) as checkpoint:",
        f"    info = checkpoint.tensors[{tensor!r}]",
        f"    weight = checkpoint.read({tensor!r}).reshape(info.shape)",
    ]
    if cell is not None and cell.index:
        lines.append(f"    print(weight[{', '.join(map(str, cell.index))}])")
    return "\n".join(lines) + "\n"


def _fields(table: LayerTable, row: int) -> tuple[str, ...]:
    elements, zeros = int(table.elements[row]), int(table.zeros[row])
    known = zeros >= 0 and elements > 0
    numbers = (table.groups[row], table.bad_groups[row], table.surplus[row])
    return (
        table.names[row],
        table.kinds[row],
        table.dtypes[row],
        "x".join(map(str, table.shapes[row])),
        str(elements),
        str(zeros) if zeros >= 0 else "",
        f"{1 - zeros / elements:.6f}" if known else "",
        table.patterns[row],
        table.axes[row],
        table.classes[row],
        *(str(number) if number >= 0 else "" for number in numbers),
        table.rules[row],
        table.errors[row],
    )


def _csv(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
