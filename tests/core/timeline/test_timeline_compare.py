"""Two checkpoints side by side, against plain numpy."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file
from timeline_oracle import top

from sparse_core import compare
from sparse_core.commands.compare import sorted_rows
from sparse_core.errors import SparseError

RNG = np.random.default_rng(11)


def weights(shape=(16, 64)):
    return RNG.standard_normal(shape).astype("f4")


def pruned(weight, n=2, m=4):
    return np.where(top(weight, n, m), weight, np.float32(0))


def pair(tmp_path, a, b):
    paths = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for path, tensors in zip(paths, (a, b), strict=True):
        save_file(tensors, path)
    return paths


def bad_groups(weight, n=2, m=4):
    return np.count_nonzero(weight.reshape(-1, m), axis=1) > n


def test_numbers_equal_plain_numpy(tmp_path):
    a = {"x.fc.weight": pruned(weights()), "y.fc.weight": pruned(weights((8, 32)))}
    b = {name: pruned(one + 0.1 * weights(one.shape)) for name, one in a.items()}
    b["x.fc.weight"][0, :4] = 1  # one group that breaks the pattern
    found = compare(*pair(tmp_path, a, b))
    assert [row.layer for row in found.layers] == list(a)
    for row in found.layers:
        one, other = a[row.layer], b[row.layer]
        kept, now = one != 0, other != 0
        assert row.entries == one.size
        assert (row.births, row.deaths) == ((now & ~kept).sum(), (kept & ~now).sum())
        assert row.sad == row.births + row.deaths
        assert row.jaccard == pytest.approx((kept & now).sum() / (kept | now).sum())
        first, second = one.astype(float).ravel(), other.astype(float).ravel()
        norms = np.linalg.norm(first), np.linalg.norm(second)
        assert (row.norm_a, row.norm_b) == pytest.approx(norms)
        assert row.norm_change == pytest.approx(norms[1] / norms[0] - 1)
        assert row.cosine == pytest.approx(first @ second / (norms[0] * norms[1]))
        assert (row.pattern, row.axis) == ("2:4", "in")
    assert [row.new_violations for row in found.layers] == [1, 0]
    assert found.total.new_violations == 1
    assert found.total.healed_violations == 0
    assert found.total.sad == sum(row.sad for row in found.layers)


def test_violations_are_new_or_healed_group_by_group(tmp_path):
    a, b = (pruned(weights((64, 64))) for _ in range(2))
    for one in (a, b):
        one.reshape(-1, 4)[RNG.random(1024) < 0.02] = 1
    row = compare(
        *pair(tmp_path, {"fc.weight": a}, {"fc.weight": b}), pattern="2:4", rule="zeros"
    ).layers[0]
    before, after = bad_groups(a), bad_groups(b)
    assert row.new_violations == (after & ~before).sum()
    assert row.healed_violations == (before & ~after).sum()


def test_equal_checkpoints_differ_in_nothing(tmp_path):
    a = {"fc.weight": pruned(weights())}
    row = compare(*pair(tmp_path, a, a)).total
    assert (row.sad, row.jaccard, row.norm_change) == (0, 1.0, 0.0)
    assert row.cosine == pytest.approx(1.0)


def test_dense_latent_weights_are_projected(tmp_path):
    a, b = weights(), weights()
    row = compare(*pair(tmp_path, {"fc.weight": a}, {"fc.weight": b}), pattern="1:4").total
    assert row.sad == (top(a, 1, 4) ^ top(b, 1, 4)).sum()
    assert row.births == row.deaths


def test_what_only_one_has_is_said(tmp_path):
    a = {"x.fc.weight": weights(), "y.fc.weight": weights(), "z.fc.weight": weights()}
    b = {"x.fc.weight": weights(), "y.fc.weight": weights((16, 32)), "w.fc.weight": weights()}
    found = compare(*pair(tmp_path, a, b))
    assert [row.layer for row in found.layers] == ["x.fc.weight"]
    text = " ".join(found.notes)
    assert all(word in text for word in ("Only A has z.", "Only B has w.", "y.fc.weight is"))
    with pytest.raises(SparseError, match="no layer in common"):
        compare(*pair(tmp_path, {"x.fc.weight": weights()}, {"q.fc.weight": weights()}))


def test_nan_and_nothing_have_no_norms(tmp_path):
    spoilt, empty = weights(), np.zeros((16, 64), "f4")
    spoilt[0, 0] = np.nan
    rows = compare(
        *pair(
            tmp_path,
            {"a.fc.weight": spoilt, "b.fc.weight": empty, "c.fc.weight": weights((0, 8))},
            {"a.fc.weight": weights(), "b.fc.weight": empty, "c.fc.weight": weights((0, 8))},
        )
    ).layers
    assert rows[0].norm_a is None
    assert rows[0].cosine is None
    assert rows[1].norm_change is None
    assert rows[1].jaccard == 1.0
    assert rows[2].flip_rate == 0.0


def test_rows_are_sorted_by_what_differs_most(tmp_path):
    base = {name: weights() for name in ("a.fc.weight", "b.fc.weight", "c.fc.weight")}
    moved = {
        name: one + noise * weights()
        for (name, one), noise in zip(base.items(), (0.1, 1, 0.3), strict=True)
    }
    rows = compare(*pair(tmp_path, base, moved), pattern="2:4").layers
    for by in ("flips", "jaccard", "cosine"):
        assert [row.layer[0] for row in sorted_rows(rows, by)] == ["b", "c", "a"], by
    assert sorted_rows(rows, None) == rows
    with pytest.raises(SparseError, match="sort by"):
        sorted_rows(rows, "size")


def test_table_is_what_json_says(tmp_path):
    a = {"fc.weight": weights()}
    table = compare(*pair(tmp_path, a, a)).table()
    assert json.loads(json.dumps(table)) == table
    assert [row["type"] for row in table] == ["compare", "compare"]
    assert table[-1]["layer"] is None
