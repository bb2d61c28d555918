"""Quick open and the filter over 92,400 names: the longest and the median keystroke.

Each query is typed letter by letter, as a user does; the list that a view shows is made too.
Target: 50 ms a keystroke.
"""

import sys
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from inspector.models.fuzzy import NameIndex  # noqa: E402
from inspector.models.layer_query import LayerQuery  # noqa: E402
from inspector.models.layer_table import LayerTable  # noqa: E402
from sparse_core.errors import SparseError  # noqa: E402
from sparse_core.messages import TensorColumns  # noqa: E402
from sparse_core.messages.query import parse  # noqa: E402

LAYERS, EXPERTS = 60, 513
SHOWN = 100
FILTERS = (
    "name:*.up_proj.*",
    "name:model.layers.1*.weight",
    "name:*experts.3*up*weight",
    "-name:*.mlp.* weight",
    "layer:10-20 up",
)
QUERIES = ("l17ex300up", "layers.17.mlp.experts.300.up", "weight", "gate 59 5", "embed", "zzz")


def names() -> list[str]:
    """Return the names of a mixture-of-experts model, 92,400 with its head and embedding."""
    body = [
        f"model.layers.{layer}.mlp.experts.{expert}.{part}_proj.weight"
        for layer in range(LAYERS)
        for expert in range(EXPERTS)
        for part in ("gate", "up", "down")
    ]
    return [*body, *(f"model.layers.{layer}.input_norm.weight" for layer in range(LAYERS))]


def listing(listed: list[str]) -> TensorColumns:
    """Return the table of these names as the core lists it."""
    count = len(listed)
    ones = np.ones(count, "<i8").tobytes()
    marks = np.ones(count, np.uint8).tobytes()
    words = ("linear",) * count, ("bfloat16",) * count
    return TensorColumns(0, tuple(listed), *words, ((1, 1),) * count, ones, ones, marks, marks)


def main() -> None:
    """Measure and print."""
    listed = names()
    started = perf_counter()
    index = NameIndex(listed)
    print(f"names: {len(listed)}")
    print(f"index_ms: {1000 * (perf_counter() - started):.1f}")
    taken: list[float] = []
    for query in QUERIES:
        for stop in range(1, len(query) + 1):
            started = perf_counter()
            index.search(query[:stop], SHOWN)
            taken.append(1000 * (perf_counter() - started))
    print(f"keystroke_median_ms: {median(taken):.1f}")
    print(f"keystroke_longest_ms: {max(taken):.1f}")
    table = LayerTable()
    table.append(listing(listed))
    query = LayerQuery(table)
    for text in FILTERS:
        taken = []
        for stop in range(1, len(text) + 1):
            # What is not yet a condition is refused while it is typed, as in the window.
            with suppress(SparseError):
                wanted = parse(text[:stop])
                started = perf_counter()
                query.rows(wanted)
                taken.append(1000 * (perf_counter() - started))
        print(f"filter_longest_ms {text}: {max(taken):.1f}")


if __name__ == "__main__":
    main()
