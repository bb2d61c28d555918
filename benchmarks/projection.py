"""N:M projection of a matrix: our kernels against argsort and scatter, one thread each.

    OMP_NUM_THREADS=1 python benchmarks/projection.py [--size 4096] [--rounds 5]

Every way gives the same mask, bit for bit, which is checked first. They take turns within each
round; printed are medians in milliseconds and how many times faster than the faster of the two
peers ours is.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from sparse_core import native
from sparse_core.native import twins

Way = Callable[[], np.ndarray]


def ways(values: np.ndarray, n: int, m: int) -> dict[str, Way]:
    """Give every way to make the mask as a function without arguments."""
    tensor = torch.from_numpy(values)
    bits = values.view(np.uint32).reshape(-1)
    out = np.empty(values.shape, np.uint8)

    def ours() -> np.ndarray:
        native.project_mask(values, n, m, out)
        return out

    def ours_numpy() -> np.ndarray:
        shape = (*values.shape, 1)
        twins.project(bits, 0x7FFFFFFF, 0x7F800001, shape, n, m, out.reshape(-1))
        return out

    def torch_sort() -> np.ndarray:
        groups = tensor.abs().reshape(-1, m)
        drop = torch.argsort(groups, dim=1, stable=True)[:, : m - n]
        kept = torch.ones(groups.shape, dtype=torch.bool).scatter_(1, drop, False)
        return kept.numpy().reshape(values.shape)

    def numpy_sort() -> np.ndarray:
        groups = np.abs(values).reshape(-1, m)
        drop = np.argsort(groups, axis=1, kind="stable")[:, : m - n]
        kept = np.ones(groups.shape, np.bool_)
        np.put_along_axis(kept, drop, False, axis=1)
        return kept.reshape(values.shape)

    return {
        "ours": ours,
        "ours_numpy": ours_numpy,
        "torch_argsort_scatter": torch_sort,
        "numpy_argsort_scatter": numpy_sort,
    }


def compare(size: int, n: int, m: int, rounds: int) -> None:
    """Time every way in turn and print medians and ratios."""
    values = np.random.default_rng(0).standard_normal((size, size)).astype(np.float32)
    functions = ways(values, n, m)
    masks = [function().astype(np.bool_) for function in functions.values()]
    same = all(np.array_equal(mask, masks[0]) for mask in masks)
    print(f"{n}:{m} same_bits: {str(same).lower()}")
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, median in medians.items():
        print(f"{n}:{m} {name}_ms: {1e3 * median:.2f}")
    peer = min(medians["torch_argsort_scatter"], medians["numpy_argsort_scatter"])
    print(f"{n}:{m} ours_times_faster: {peer / medians['ours']:.1f}")
    print(f"{n}:{m} ours_numpy_times_faster: {peer / medians['ours_numpy']:.1f}")


def main() -> None:
    """Compare at 2:4 and 1:16."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=4096, help="rows and columns")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"native: {native.name()}")
    for n, m in ((2, 4), (1, 16)):
        compare(options.size, n, m, options.rounds)


if __name__ == "__main__":
    main()
