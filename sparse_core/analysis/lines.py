"""Scans as objects of JSON: the keys that scripts rely on, in the order that was promised."""

import os
from collections.abc import Mapping, Sequence

import msgspec

from sparse_core.messages import CheckpointSummary, LayerReport, Verdict

Line = dict[str, object]

_CHECKPOINT = (
    *("path", "format", "writer", "containers", "tensors", "elements", "unique_elements"),
    *("other_tensors", "bytes"),
)
_LAYER = (
    *("name", "kind", "shape", "dtype", "elements", "rule", "zeros", "raw_zeros", "mask_zeros"),
    *("near_zeros", "nan", "inf", "min", "max", "mean", "std", "pattern", "axis", "ambiguous"),
    *("groups", "bad_groups", "zero_rows", "zero_columns", "class"),
)
_VERDICT = ("text", "prunable", "sparse", "broken", "unstructured", "dense")


def checkpoint_line(summary: CheckpointSummary) -> Line:
    """Say what a file holds."""
    values: Line = msgspec.to_builtins(summary)
    # A path may hold bytes that are no UTF-8; JSON may not.
    path = os.fsencode(summary.path).decode("utf-8", "replace")
    return _line("checkpoint", _CHECKPOINT, values | {"path": path})


def layer_line(report: LayerReport) -> Line:
    """Say what is known of a tensor."""
    return _line("layer", _LAYER, msgspec.to_builtins(report))


def verdict_line(verdict: Verdict) -> Line:
    """Say what the reports amount to."""
    return _line("verdict", _VERDICT, msgspec.to_builtins(verdict))


def _line(kind: str, keys: Sequence[str], values: Mapping[str, object]) -> Line:
    """Pick the keys that were promised, the type first."""
    return {"type": kind, **{key: values[key] for key in keys}}
