"""SAD and what is made of it: golden vectors, laws, and plain numpy."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays
from timeline_oracle import rows, told, top, write_series

from sparse_core import timeline
from sparse_core.analysis.timeline import bits
from sparse_core.analysis.timeline.history import History
from sparse_core.masks import pack

GOLDEN = json.loads((Path(__file__).parents[2] / "golden.json").read_text())
MASKS = arrays(bool, (3, 70))


def sad(one, other) -> int:
    return bits.differing(pack(one).words, pack(other).words)


def test_golden_vectors_of_sad(tmp_path):
    vector = GOLDEN["sad"]
    masks = [np.array([vector[name]], bool) for name in ("E0", "E1", "E2")]
    folder = write_series(tmp_path / "run", [{"fc.weight": one} for one in masks])
    line = timeline(folder, pattern=None, rule="zeros")
    assert line.sad[0].tolist() == [-1, vector["SAD_01"], vector["SAD_12"]]
    assert line.drift[0].tolist() == [0, vector["SAD_01"], vector["SAD_02"]]
    assert line.measures().flip_rate[1] == vector["flip_rate_01"]
    assert line.births[0, 1] == vector["swaps_01"] == line.deaths[0, 1]
    assert line.net_over_gross("fc.weight") == 0.0
    assert line.measures().flipped_back[2] == 1.0


def test_golden_vector_of_the_opposite_mask():
    one = np.array([GOLDEN["sad"]["E0"]], bool)
    assert sad(one, ~one) == GOLDEN["sad_max"]["SAD"] == GOLDEN["sad"]["max_SAD_2of4_8weights"]


def test_golden_vector_of_two_layers(tmp_path):
    vector = GOLDEN["sad_two_layers"]
    first = {"a.fc.weight": np.ones((1, 8), bool), "b.fc.weight": np.ones((1, 4), bool)}
    second = {name: one.copy() for name, one in first.items()}
    for one in second.values():
        one[0, :2] = False
    line = timeline(write_series(tmp_path / "run", [first, second]))
    found = {key[1]: numbers[1] for key, numbers in told(line).items()}
    assert found == {
        "a.fc.weight": vector["layerA"],
        "b.fc.weight": vector["layerB"],
        "": vector["total"],
    }
    assert line.measures().flip_rate[1] == pytest.approx(vector["flip_rate_total"])


@given(MASKS, MASKS, MASKS)
def test_sad_is_a_distance(one, other, third):
    assert sad(one, one) == 0
    assert sad(one, other) == sad(other, one)
    assert sad(one, third) <= sad(one, other) + sad(other, third)
    assert (sad(one, other) == 0) == bool((one == other).all())


@given(some.sampled_from([(1, 4), (2, 4), (2, 8), (1, 16)]), some.integers(0, 2**32 - 1))
def test_under_exact_nm_sad_is_even_and_bounded(pattern, seed):
    n, m = pattern
    values = np.random.default_rng(seed).standard_normal((2, 6, 64))
    one, other = top(values[0], n, m), top(values[1], n, m)
    distance = sad(one, other)
    assert distance % 2 == 0
    assert distance <= 2 * min(n, m - n) * one.size // m
    assert int((other & ~one).sum()) == int((one & ~other).sum()) == distance // 2


@settings(max_examples=20)
@given(some.data())
def test_a_trail_counts_what_numpy_counts(data):
    masks = data.draw(some.lists(MASKS, min_size=2, max_size=6))
    trail = bits.Trail(pack(masks[0]).words)
    alive, flipped = masks[0].copy(), np.zeros_like(masks[0])
    for before, after in pairwise(masks):
        step, flips = trail.move(pack(after).words), before ^ after
        alive &= after
        assert step.kept == after.sum()
        assert step.sad == flips.sum()
        assert step.returned == (flips & flipped).sum()
        assert step.survivors == alive.sum()
        assert step.drift == (after ^ masks[0]).sum()
        flipped = flips


@settings(max_examples=20)
@given(some.data())
def test_a_history_counts_flips_of_every_weight(data):
    masks = data.draw(some.lists(MASKS, min_size=1, max_size=12))
    history = History(pack(one) for one in masks)
    flips = np.zeros(masks[0].shape, int)
    last = np.zeros(masks[0].shape, int)
    for at in range(1, len(masks)):
        changed = masks[at] ^ masks[at - 1]
        flips += changed
        last[changed] = at
    assert (history.flips() == flips).all()
    assert (history.last_change() == last).all()
    worst = history.worst(5)
    expected = sorted(flips[flips > 0].tolist(), reverse=True)[:5]
    assert [one.flips for one in worst] == expected
    assert all(flips[one.row, one.column] == one.flips for one in worst)
    assert all(flips.reshape(-1)[one.index] == one.flips for one in worst)


@settings(max_examples=10)
@given(some.integers(0, 2**32 - 1))
def test_rows_equal_plain_numpy_and_totals_are_sums(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    masks = [
        {"a.fc.weight": rng.random((5, 12)) < 0.4, "b.conv.weight": rng.random((2, 3, 3, 3)) < 0.5}
        for _ in range(4)
    ]
    folder = write_series(tmp_path_factory.mktemp("series"), masks, 10)
    line = timeline(folder, cache=False)
    assert line.steps == (0, 10, 20, 30)
    found = told(line)
    assert found == rows(line.steps, masks)
    for step in line.steps[1:]:
        layers = [numbers for (at, name), numbers in found.items() if at == step and name]
        assert tuple(map(sum, zip(*layers, strict=True))) == found[step, ""]


def test_measures_name_what_they_say(tmp_path):
    masks = [np.array([[1, 1, 0, 0]], bool), np.array([[1, 0, 1, 0]], bool)]
    masks += [np.array([[1, 0, 1, 0]], bool), np.array([[0, 0, 1, 1]], bool)]
    line = timeline(write_series(tmp_path / "run", [{"fc.weight": one} for one in masks]))
    found = line.measures("fc.weight")
    assert found.density.tolist() == [0.5] * 4
    assert found.flip_rate[1:].tolist() == [0.5, 0, 0.5]
    assert found.churn[1:].tolist() == [0.5, 0, 0.5]
    assert found.survival.tolist() == [1, 0.5, 0.5, 0]
    assert found.drift.tolist() == [0, 0.5, 0.5, 1]
    assert found.noise[1:].tolist() == [0.5] * 3
    assert line.net_over_gross() == 1.0
    assert line.froze_at() is None
    assert line.froze_at(epsilon=0.5) == 0


def test_froze_at_is_the_step_after_which_nothing_moves(tmp_path):
    moving = [np.eye(8, dtype=bool), ~np.eye(8, dtype=bool)]
    masks = [*moving, moving[1], moving[1]]
    still = np.ones((8, 8), bool)
    steps = [{"a.fc.weight": one, "b.fc.weight": still} for one in masks]
    line = timeline(write_series(tmp_path / "run", steps, 100))
    assert line.froze_at("a.fc.weight") == 100
    assert line.froze_at("b.fc.weight") == 0
    assert line.froze_at() == 100
    assert line.net_over_gross("b.fc.weight") is None


def test_noise_and_bound_of_random_nm_masks(tmp_path):
    rng = np.random.default_rng(0)
    masks = [{"fc.weight": top(rng.standard_normal((64, 256)), 2, 4)} for _ in range(3)]
    line = timeline(write_series(tmp_path / "run", masks), pattern="2:4")
    found = line.measures("fc.weight")
    assert found.noise[1] == 0.5
    assert found.flip_rate[1:] == pytest.approx(0.5, abs=0.01)
    assert line.bound("fc.weight") == 1.0


def test_margin_is_the_gap_between_kept_and_pruned(tmp_path):
    from safetensors.numpy import save_file

    folder = tmp_path / "run"
    folder.mkdir()
    for step, pruned in enumerate((1.0, 3.0)):
        weight = np.tile(np.array([5, -pruned, 3, 0.5], "f4"), (16, 8))
        save_file({"fc.weight": weight}, folder / f"step-{step}.safetensors")
    line = timeline(folder, pattern="2:4")
    assert line.margin[0].tolist() == pytest.approx([0.5, 0.0])
    assert line.margin_low[0].tolist() == pytest.approx([0.5, 0.0])
    along_out = timeline(folder, pattern="2:4", axis="out")
    assert along_out.margin[0].tolist() == pytest.approx([0.0, 0.0])
    assert np.isnan(timeline(folder, rule="zeros").margin).all()


def test_reference_is_compared_with_every_point(tmp_path):
    rng = np.random.default_rng(1)
    masks = [{"fc.weight": rng.random((4, 32)) < 0.5} for _ in range(4)]
    folder = write_series(tmp_path / "run", masks)
    other = write_series(tmp_path / "other", [{"fc.weight": rng.random((4, 32)) < 0.5}])
    path = other / "step-0000.safetensors"
    reference = np.asarray(masks[2]["fc.weight"])
    line = timeline(folder, reference=str(folder / "step-0002.safetensors"))
    wanted = [int((one["fc.weight"] ^ reference).sum()) for one in masks]
    assert line.reference_sad[0].tolist() == wanted
    assert timeline(folder, reference=path).reference == "step-0000.safetensors"
    assert timeline(folder).reference_sad[0].tolist() == timeline(folder).drift[0].tolist()
