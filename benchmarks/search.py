"""Quick open over 92,400 names: the longest and the median keystroke.

Each query is typed letter by letter, as a user does; the list that a view shows is made too.
Target: 50 ms a keystroke.
"""

import sys
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from inspector.models.fuzzy import NameIndex  # noqa: E402

LAYERS, EXPERTS = 60, 513
SHOWN = 100
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


if __name__ == "__main__":
    main()
