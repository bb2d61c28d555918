"""What the scripted core says about 2:4 groups, found by plain arithmetic on its arrays."""

import numpy as np

from sparse_core.messages import (
    Failed,
    Loupe,
    LoupeWanted,
    NextViolation,
    Profile,
    ProfileWanted,
    RepairPreview,
    RepairWanted,
    UnsteadyWanted,
    Violations,
    ViolationsWanted,
)


def bad_places(array: np.ndarray) -> list[tuple[int, int]]:
    """Return row and first column of each group that keeps more than two."""
    kept = (array.reshape(array.shape[0], -1, 4) != 0).sum(axis=2)
    return [(int(row), 4 * int(group)) for row, group in zip(*np.nonzero(kept > 2), strict=True)]


def about_groups(body: object, array: np.ndarray) -> object:
    """Answer a question about the groups of a matrix."""
    places = bad_places(array) if array.shape[1] % 4 == 0 else []
    if isinstance(body, ViolationsWanted):
        part = places[body.first : body.first + body.count]
        return listed(body, array, part, body.first, len(places))
    if isinstance(body, NextViolation):
        after = [place for place in places if place > (body.row, body.column)]
        before = [place for place in places if place < (body.row, body.column)]
        found = after[:1] if body.step > 0 else before[-1:]
        return listed(body, array, found, places.index(found[0]) if found else 0, len(places))
    if isinstance(body, UnsteadyWanted):
        return listed(body, array, [(0, 0), (1, 4)], 0, 7)
    assert isinstance(body, LoupeWanted)
    return _loupe(body, array)


def repair_previews(body: RepairWanted, network: dict[str, np.ndarray]) -> list[RepairPreview]:
    """Say of each tensor that one weight of share 0.018 would go."""
    return [
        RepairPreview(name, 1, 1, 0.018, float(np.linalg.norm(network[name])))
        for name in body.tensors
    ]


def listed(
    body: ViolationsWanted | NextViolation | UnsteadyWanted,
    array: np.ndarray,
    places: list[tuple[int, int]],
    ordinal: int,
    total: int,
) -> Violations:
    kept = [int((array[row, at : at + 4] != 0).sum()) for row, at in places]
    return Violations(
        body.view, body.tensor, ordinal, total,
        np.array([row for row, _ in places], "<i8").tobytes(),
        np.array([at for _, at in places], "<i8").tobytes(),
        np.array(kept, "<i4").tobytes(),
        tuple(f"[{row}, {at}:{at + 4}]" for row, at in places),
        tuple(f"{count} kept of 4" for count in kept),
    )  # fmt: skip


def _loupe(body: LoupeWanted, array: np.ndarray) -> Loupe | Failed:
    first = body.column // 4 * 4
    values = array[body.row, first : first + 4]
    if len(values) < 4:
        return Failed("This weight is in no group: it belongs to the tail.", "SparseError")
    order = np.argsort(-abs(values), kind="stable")
    ranks = np.argsort(order) + 1
    return Loupe(
        body.view, body.tensor, "2:4", "in",
        f"{body.tensor.removesuffix('.weight')}[{body.row}, {first}:{first + 4}]",
        tuple(values.tolist()),
        tuple((body.row, first + at) for at in range(4)),
        tuple((values != 0).tolist()),
        tuple((ranks <= 2).tolist()),
        tuple(ranks.tolist()),
        (False,) * 4,
        0.5,
        "A correct mask drops one.",
    )  # fmt: skip


def profile_of(body: ProfileWanted, array: np.ndarray) -> Profile:
    """Count kept weights along the edges, one bin after the other."""
    sums = []
    for axis, (first, step, count) in ((1, body.rows), (0, body.columns)):
        kept = (array != 0).sum(axis=axis)
        bins = [
            float(kept[first + at * step : first + (at + 1) * step].sum()) for at in range(count)
        ]
        sums.append(np.array(bins, "<f8").tobytes())
    rows, columns = array.shape
    return Profile(body.view, body.tensor, body.measure, sums[0], sums[1], columns, rows)
