"""A scan as people read it: the verdict first, then a row a tensor."""

from collections.abc import Sequence
from typing import TextIO

from sparse_core.analysis.scan import ScanResult
from sparse_core.analysis.words import joined, plural, shortened, size
from sparse_core.commands.child import printable
from sparse_core.dtypes import DTYPES
from sparse_core.messages import CheckpointSummary, LayerReport

_HEADER = ("tensor", "kind", "shape", "format", "zeros", "pattern", "bad groups", "class")
_RIGHT = frozenset({"zeros", "bad groups"})


def write_table(
    out: TextIO,
    summary: CheckpointSummary,
    result: ScanResult,
    shown: Sequence[LayerReport],
    container: str = "",
) -> None:
    """Write a scan for people.

    Parameters
    ----------
    out : TextIO
    summary : CheckpointSummary
    result : ScanResult
    shown : sequence of LayerReport
        The tensors that get a row.
    container : str
        The model that was asked for: "" for the largest, or ``all``.
    """
    verdict = result.verdict
    detail = "".join(phrase.text for phrase in verdict.detail)
    for line in (verdict.headline, detail, verdict.conditions):
        if line:
            out.write(f"{printable(line)}\n")
    out.write("\n")
    rows = [_HEADER, *(_row(layer) for layer in shown)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    for row in rows:
        out.write(printable(_aligned(row, widths)) + "\n")
    how = "from the cache" if result.cached else f"in {result.seconds:.2f} s"
    engine = "native" if result.native else "numpy"
    out.write(
        f"\n{printable(summary.path)}: {summary.format}, {plural(summary.tensors, 'tensor')}, "
        f"{summary.elements:,} elements, {size(result.read_bytes)} {how} ({engine}).\n"
    )
    for note in (*summary.notes, *_unlisted(summary, container)):
        out.write(f"{printable(note)}\n")


def _unlisted(summary: CheckpointSummary, container: str) -> list[str]:
    """Say which further models are in the file, and how to ask for them."""
    listed = container or summary.containers[0].key
    others = [repr(one.key) for one in summary.containers if one.key != listed]
    if not others or container == "all":
        return []
    more = [f"{len(others) - 3:,} more"] if len(others) > 3 else []
    this = repr(listed) if listed else "its top level"
    also = joined([*others[:3], *more])
    return [f"This is {this}; the file also holds {also}: name one by --container, or all."]


def _row(layer: LayerReport) -> tuple[str, ...]:
    """Give the cells of a tensor."""
    if layer.error:
        share, judged = "", layer.error
    else:
        share = f"{100 * layer.zeros / layer.elements:.1f} %" if layer.elements else ""
        judged = "" if layer.class_ == "other" else layer.class_
    axis = f" {layer.meant_axis}" if layer.meant_axis not in (None, "in") else ""
    return (
        shortened(layer.name),
        layer.kind if layer.kind_known else f"{layer.kind}?",
        "×".join(map(str, layer.shape)) or "scalar",
        DTYPES[layer.dtype].short,
        share,
        f"{layer.meant}{axis}" if layer.meant else _emptiness(layer),
        f"{layer.bad_groups:,}" if layer.bad_groups else "",
        f"{judged}, ambiguous axis" if layer.ambiguous else judged,
    )


def _emptiness(layer: LayerReport) -> str:
    """Say of a weight that is all zero why it has no pattern."""
    return "all zero" if layer.class_ == "unstructured" and layer.zeros == layer.elements else ""


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Pad the cells of a row; numbers to the right."""
    cells = [
        text.rjust(width) if title in _RIGHT else text.ljust(width)
        for text, width, title in zip(row, widths, _HEADER, strict=True)
    ]
    return "  ".join(cells).rstrip()
