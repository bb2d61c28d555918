"""NNSTD: golden vectors, matching through the layers, guards."""

import json
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from timeline_oracle import write

from sparse_core import nnstd
from sparse_core.analysis.timeline import bits
from sparse_core.errors import Cancelled, SparseError
from sparse_core.masks import pack

GOLDEN = json.loads((Path(__file__).parents[2] / "golden.json").read_text())


def network(matrices) -> dict[str, np.ndarray]:
    """The vectors are (in, out); our masks are (out, in)."""
    return {f"l{i}.fc.weight": np.array(one, bool).T for i, one in enumerate(matrices)}


@pytest.mark.parametrize("name", ["nnstd_permuted_net", "nnstd_one_edge_removed"])
def test_golden_vectors(name):
    vector = GOLDEN[name]
    one, other = network(vector["net1"]), network(vector["net2"])
    found = nnstd(one, other)
    assert [layer.distance for layer in found.layers] == pytest.approx(vector["per_layer"])
    assert found.distance == pytest.approx(np.mean(vector["per_layer"]))
    sad = sum(
        bits.differing(
            pack(np.ascontiguousarray(one[key])).words, pack(np.ascontiguousarray(other[key])).words
        )
        for key in one
    )
    assert sad == vector["SAD"]


def random_network(rng, sizes=(9, 12, 7, 5)):
    return {
        f"l{i}.fc.weight": rng.random((out, inputs)) < 0.5
        for i, (inputs, out) in enumerate(pairwise(sizes))
    }


def permuted(masks, rng):
    """Number the neurons of every layer anew."""
    found, order = {}, None
    for name, mask in masks.items():
        new = mask if order is None else mask[:, order]
        order = rng.permutation(len(new))
        found[name] = new[order]
    return found


@settings(max_examples=25)
@given(some.integers(0, 2**32 - 1))
def test_a_permuted_network_is_no_other(seed):
    rng = np.random.default_rng(seed)
    # Twelve inputs: neurons of equal connections, whose assignment is not unique, are rare.
    one = random_network(rng, (40, 12, 7, 5))
    found = nnstd(one, permuted(one, rng))
    assert found.layers[0].distance == 0
    unique = all(len(np.unique(mask, axis=0)) == len(mask) for mask in one.values())
    if unique:
        assert found.distance == 0


def test_outputs_can_be_fixed():
    one = {"fc.weight": np.eye(4, dtype=bool)}
    other = {"fc.weight": np.eye(4, dtype=bool)[::-1]}
    assert nnstd(one, other).distance == 0
    assert nnstd(one, other, fix_outputs=True).distance == 1


def test_the_distance_equals_a_search_over_all_assignments():
    rng = np.random.default_rng(3)
    one, other = rng.random((5, 8)) < 0.4, rng.random((5, 8)) < 0.4
    costs = np.array([[(a ^ b).sum() / max((a | b).sum(), 1) for b in other] for a in one], float)
    best = min(sum(costs[i, j] for i, j in enumerate(order)) for order in permutations(range(5)))
    assert nnstd({"fc": one}, {"fc": other}).distance == pytest.approx(best / 5)


def test_channels_carry_their_kernels_and_flattened_positions():
    rng = np.random.default_rng(4)
    conv1, conv2 = rng.random((6, 3, 3, 3)) < 0.5, rng.random((5, 6, 3, 3)) < 0.5
    head = rng.random((4, 5 * 4)) < 0.5
    first, second = rng.permutation(6), rng.permutation(5)
    blocks = head.reshape(4, 5, 4)[:, second].reshape(4, 20)
    one = {"c1": conv1, "c2": conv2, "fc": head}
    other = {"c1": conv1[first], "c2": conv2[second][:, first], "fc": blocks}
    found = nnstd(one, other)
    assert found.distance == 0
    assert [layer.chained for layer in found.layers] == [False, True, True]


def test_layers_that_do_not_follow_one_another_keep_their_inputs():
    one = {"a": np.eye(4, dtype=bool), "b": np.eye(7, dtype=bool)}
    found = nnstd(one, one)
    assert [layer.chained for layer in found.layers] == [False, False]


def test_bad_input_is_a_sentence():
    one = {"fc.weight": np.ones((4, 4), bool)}
    with pytest.raises(SparseError, match="other layers"):
        nnstd(one, {"head.weight": np.ones((4, 4), bool)})
    with pytest.raises(SparseError, match="equal size"):
        nnstd(one, {"fc.weight": np.ones((4, 5), bool)})
    with pytest.raises(SparseError, match="4 neurons"):
        nnstd(one, one, limit=3)
    with pytest.raises(Cancelled):
        nnstd(one, one, cancelled=lambda: True)
    with pytest.raises(TypeError, match="speed"):
        nnstd(one, one, speed=1)


def test_checkpoints_are_compared_by_their_masks(tmp_path):
    rng = np.random.default_rng(5)
    one = random_network(rng, (64, 16, 8))
    paths = [
        write(tmp_path / "a.safetensors", one),
        write(
            tmp_path / "b.safetensors",
            {k: np.ascontiguousarray(v) for k, v in permuted(one, rng).items()},
        ),
    ]
    assert nnstd(*paths).distance == 0
