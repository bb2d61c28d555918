"""ASP, SSL and the classics: golden vectors, and what each promises while it runs."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from sparse_core.errors import RunError
from sparse_core.masks import layout_of
from sparse_core.runs.events import Evaluated, Mask, Phase, Started
from sparse_core.runs.folder import RunFolder
from sparse_core.runs.masks import read_masks
from sparse_core.runs.reader import read_events
from sparse_core.training import group_lasso
from sparse_core.training.budget import densities, kept_count
from sparse_core.training.job import Request
from sparse_core.training.methods.gradual import cubic_sparsity
from sparse_core.training.methods.rigl import drop_fraction
from sparse_core.training.options import TrainOptions
from sparse_core.training.rank import keep_largest
from sparse_core.training.registry import METHODS
from sparse_core.training.regrowth import exchange, random_mask, seeded
from sparse_core.training.session import resume, start

GRANULARITY = {
    "filter": ("filter",),
    "channel": ("channel",),
    "shape": ("shape",),
    "filter2d": ("filter2d",),
    "layer": ("layer",),
    "filter+channel": ("filter", "channel"),
    "filter+shape": ("filter", "shape"),
}


def train(run: Path, method: str, hidden: str = "64,64", **method_options) -> Path:
    common = {
        key: method_options.pop(key)
        for key in ("epochs", "layers", "lr", "init", "pattern", "axis", "seed", "save_every")
        if key in method_options
    }
    options = TrainOptions(method=method, **{"epochs": 2, "mask_every": 5, **common})
    start(Request(options, method_options, {"hidden": hidden}), run)
    return run


def of(run: Path, kind):
    return [event for event in read_events(run / "events.jsonl") if isinstance(event, kind)]


def last_weights(run: Path) -> dict[str, torch.Tensor]:
    folder = RunFolder(run)
    return load_file(folder.checkpoint(folder.steps(folder.checkpoints)[-1]))


# ---------------------------------------------------------------- group lasso


@pytest.mark.parametrize("matrix", ["A", "B"])
@pytest.mark.parametrize("name", list(GRANULARITY))
def test_group_lasso_value_and_gradient(golden, matrix, name) -> None:
    vector = golden[f"group_lasso_{matrix}_{name}"]
    weight = torch.tensor(vector["W"], dtype=torch.float64, requires_grad=True)
    layout = layout_of(tuple(weight.shape), "conv")
    view = group_lasso.blocks(weight, layout)
    values = {
        scale: sum(group_lasso.penalty(view, one, scale) for one in GRANULARITY[name])
        for scale in ("none", "sqrt_size")
    }
    assert values["none"].item() == pytest.approx(vector["value"])
    assert values["sqrt_size"].item() == pytest.approx(vector["value_sqrt_size"])
    with torch.no_grad():
        by_formula = sum(group_lasso.subgradient(view, one, "none") for one in GRANULARITY[name])
    wanted = torch.tensor(vector["grad"], dtype=torch.float64)
    torch.testing.assert_close(group_lasso.unblock(by_formula, layout), wanted, atol=1e-8, rtol=0)
    values["none"].backward()
    live = weight.grad[wanted != 0]
    torch.testing.assert_close(live, wanted[wanted != 0], atol=1e-8, rtol=0)


@pytest.mark.parametrize(
    ("shape", "kind", "input_dim"),
    [
        ((6, 4), "linear", 1),
        ((6, 4), "linear", 0),
        ((5, 3, 2, 2), "conv", 1),
        ((3, 5, 2), "conv", 0),
    ],
)
def test_blocks_and_back(shape, kind, input_dim) -> None:
    weight = torch.randn(shape)
    layout = layout_of(shape, kind, input_dim)
    view = group_lasso.blocks(weight, layout)
    assert view.shape == (layout.outputs, layout.inputs, layout.kernel)
    assert torch.equal(group_lasso.unblock(view, layout), weight)


def test_proximal_map_of_a_group(golden) -> None:
    vector = golden["prox_group"]
    view = torch.tensor(vector["v"], dtype=torch.float64).view(1, 2, 1)
    for amount, key in ((1.0, "t1"), (5.0, "t5"), (6.0, "t6"), (2**0.5, "t_sqrt2")):
        shrunk = group_lasso.shrink_groups(view, "filter", amount)
        assert shrunk.flatten().tolist() == pytest.approx(vector[key])


def test_sparse_group_lasso_shrinks_elements_first(golden) -> None:
    vector = golden["prox_sparse_group"]
    view = torch.tensor(vector["v"], dtype=torch.float64).view(1, 3, 1)
    soft = group_lasso.shrink_elements(view, vector["l1_t"])
    assert soft.flatten().tolist() == pytest.approx(vector["after_soft"])
    result = group_lasso.shrink_groups(soft, "filter", vector["group_t"])
    assert result.flatten().tolist() == pytest.approx(vector["result"])


def test_order_of_overlapping_granularities_matters(golden) -> None:
    vector = golden["prox_overlap_order_matters"]
    view = torch.tensor(vector["W"], dtype=torch.float64).unsqueeze(-1)
    rows_first, columns_first = view, view
    for one, other in (("filter", "shape"),):
        rows_first = group_lasso.shrink_groups(rows_first, one, vector["t"])
        rows_first = group_lasso.shrink_groups(rows_first, other, vector["t"])
        columns_first = group_lasso.shrink_groups(columns_first, other, vector["t"])
        columns_first = group_lasso.shrink_groups(columns_first, one, vector["t"])
    wanted = torch.tensor(vector["row_then_col"], dtype=torch.float64)
    torch.testing.assert_close(rows_first.squeeze(-1), wanted, atol=1e-8, rtol=0)
    wanted = torch.tensor(vector["col_then_row"], dtype=torch.float64)
    torch.testing.assert_close(columns_first.squeeze(-1), wanted, atol=1e-8, rtol=0)


def test_subgradient_overshoots_where_the_proximal_step_lands_on_zero(golden) -> None:
    vector = golden["prox_vs_subgradient_one_step"]
    view = torch.tensor(vector["w"], dtype=torch.float64).view(1, 2, 1)
    stepped = view - vector["lr_lambda"] * group_lasso.subgradient(view, "filter", "none")
    assert stepped.flatten().tolist() == pytest.approx(vector["subgradient"])
    landed = group_lasso.shrink_groups(view, "filter", vector["lr_lambda"])
    assert landed.flatten().tolist() == vector["prox"]


def test_reference_threshold_after_a_subgradient_step(golden) -> None:
    vector = golden["ssl_subgradient_then_threshold"]
    view = torch.tensor(vector["w"], dtype=torch.float64).view(1, 2, 1)
    pull = vector["lr"] * vector["lam"]
    stepped = view - pull * group_lasso.subgradient(view, "filter", "none")
    assert stepped.flatten().tolist() == pytest.approx(vector["after_step"], rel=1e-9)
    kept = stepped.masked_fill(stepped.abs() < 1e-4, 0.0)
    assert kept.flatten().tolist() == pytest.approx(vector["after_1e4_threshold"], rel=1e-9)


def test_multipliers_of_the_authors_are_roots_of_sizes(golden) -> None:
    wanted = golden["alexnet_reference_multipliers"]["filter2d_relative_to_3x3"]
    sizes = [
        group_lasso.scale_of(torch.zeros(1, 1, k * k), "filter2d", "sqrt_size")
        for k in (11, 5, 3, 3, 3)
    ]
    assert [size / sizes[-1] for size in sizes] == pytest.approx(wanted, abs=1e-4)


# ---------------------------------------------------------------- schedules and budgets


@pytest.mark.parametrize(
    ("name", "initial", "final"),
    [("cubic_schedule_si0_sf0.9", 0, 0.9), ("cubic_schedule_si0.05_sf0.8", 0.05, 0.8)],
)
def test_cubic_schedule(golden, name, initial, final) -> None:
    vector = golden[name]
    found = [cubic_sparsity(step, 0, 100, initial, final) for step in vector["t"]]
    assert found == pytest.approx(vector["s"])
    assert cubic_sparsity(-5, 0, 100, initial, final) == pytest.approx(initial)
    assert cubic_sparsity(500, 0, 100, initial, final) == pytest.approx(final)


def test_rigl_drop_fraction(golden) -> None:
    vector = golden["rigl_drop_fraction_alpha0.3_Tend1000"]
    found = [drop_fraction(step, 1000, 0.3) for step in vector["t"]]
    assert found == pytest.approx(vector["f"])


def test_erk_budget(golden) -> None:
    vector = golden["erk_density0.2"]
    shapes = [tuple(shape) for shape in vector["shapes"]]
    counts = [
        (math.prod(shape), density)
        for shape, density in zip(shapes, densities(shapes, 0.2, "erk"), strict=True)
    ]
    found = [kept_count(size, density) / size for size, density in counts]
    assert found == pytest.approx(vector["per_layer_density"])
    kept = sum(kept_count(size, density) for size, density in counts)
    assert kept / sum(size for size, _ in counts) == pytest.approx(vector["achieved"])


@given(
    st.lists(st.tuples(st.integers(1, 64), st.integers(1, 64), st.integers(1, 9)), min_size=1),
    st.floats(0.01, 1.0),
    st.sampled_from(["uniform", "er", "erk"]),
)
def test_budget_is_kept_and_no_density_exceeds_one(shapes, density, budget) -> None:
    found = densities(shapes, density, budget)
    sizes = [a * b * c for a, b, c in shapes]
    assert all(0 <= one <= 1 + 1e-9 for one in found)
    total = sum(size * one for size, one in zip(sizes, found, strict=True))
    assert total == pytest.approx(density * sum(sizes), rel=1e-6)


@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 99))
def test_keep_largest_keeps_so_many_and_no_smaller_one(size, count, seed) -> None:
    scores = torch.randint(0, 5, (size,), generator=seeded(seed)).float()
    count = min(count, size)
    kept = keep_largest(scores, count)
    assert int(kept.sum()) == count
    if 0 < count < size:
        assert scores[kept].min() >= scores[~kept].max()


@given(st.integers(0, 99), st.integers(0, 40))
def test_exchange_keeps_the_number_and_never_regrows_at_once(seed, count) -> None:
    generator = seeded(seed)
    mask = random_mask((8, 8), 20, generator)
    value = torch.rand(8, 8, generator=generator)
    wish = torch.rand(8, 8, generator=generator)
    moved = exchange(mask, value, wish, count)
    assert int(moved.sum()) == 20
    births, deaths = moved & ~mask, mask & ~moved
    assert int(births.sum()) == int(deaths.sum()) == min(count, 20)
    if births.any():
        assert value[deaths].max() <= value[mask & moved].min() if (mask & moved).any() else True
        assert wish[births].min() >= wish[~mask & ~moved].max()


# ---------------------------------------------------------------- runs


def test_asp_prunes_once_by_magnitude_and_holds(tmp_path) -> None:
    run = train(tmp_path / "run", "asp", save_every=23)
    phases = [(event.step, event.name) for event in of(run, Phase)]
    assert phases == [(0, "dense"), (46, "masked")]
    sparsities = {event.step: event.sparsity for event in of(run, Mask)}
    assert sparsities[45] == 0.0
    assert sparsities[50] == 0.5
    masked = [event for event in of(run, Mask) if event.step > 50]
    assert all(sum(event.sad) == 0 for event in masked)
    folder = RunFolder(run)
    final = last_weights(run)["layers.1.weight"]
    groups = (final != 0).reshape(-1, 4).sum(1)
    assert bool((groups <= 2).all())
    dense = load_file(folder.checkpoint(46))["layers.1.weight"]
    order = dense.abs().reshape(-1, 4).argsort(dim=1, stable=True)
    top = torch.zeros(len(order), 4).scatter(1, order[:, 2:], 1.0).reshape(dense.shape)
    assert bool((final[top == 0] == 0).all())


def test_asp_with_init_skips_the_dense_training(tmp_path) -> None:
    one = train(tmp_path / "one", "dense")
    path = str(RunFolder(one).checkpoint(46))
    run = train(tmp_path / "run", "asp", init=path)
    assert of(run, Started)[0].steps == 46
    assert of(run, Mask)[-1].sparsity == 0.5


def test_apex_eligibility(tmp_path) -> None:
    run = train(tmp_path / "run", "asp", hidden="64,20,64", layers="*", eligibility="apex")
    choices = {choice.name: choice for choice in of(run, Started)[0].layers}
    assert choices["layers.0.weight"].sparse
    assert "apex wants" in choices["layers.1.weight"].reason
    assert "apex wants" in choices["layers.2.weight"].reason
    assert "apex wants" in choices["head.weight"].reason


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_magnitude_reaches_its_sparsity_and_holds(tmp_path, scope) -> None:
    run = train(tmp_path / "run", "magnitude", sparsity=0.8, scope=scope, layers="*,!last")
    last = of(run, Mask)[-1]
    assert last.sparsity == pytest.approx(0.8, abs=1e-3)
    shares = [kept / entries for kept, entries in zip(last.kept, last.entries, strict=True)]
    assert (max(shares) - min(shares) < 1e-3) == (scope == "layer")


def test_gradual_follows_the_cubic_schedule(tmp_path) -> None:
    run = train(tmp_path / "run", "gradual", sparsity=0.9, begin=0.0, end=0.8, every=5, epochs=4)
    end = round(0.8 * 92)
    for event in of(run, Mask):
        if event.step and event.step % 5 == 0 and event.step <= end:
            wanted = cubic_sparsity(event.step, 0, end, 0.0, 0.9)
            assert event.sparsity == pytest.approx(wanted, abs=1e-3)
    assert of(run, Mask)[-1].sparsity == pytest.approx(0.9, abs=1e-3)
    assert sum(sum(event.births) for event in of(run, Mask)) == 0


def test_set_moves_after_each_epoch_and_keeps_the_density(tmp_path) -> None:
    run = train(tmp_path / "run", "set", sparsity=0.8, zeta=0.3, epochs=3, layers="*,!last")
    moved = [event for event in of(run, Mask) if event.since and sum(event.sad)]
    assert [event.since // 23 < event.step // 23 for event in moved] == [True, True]
    for event in moved:
        assert event.births == event.deaths
        assert sum(event.deaths) <= 0.3 * sum(event.kept)
        assert event.sparsity == pytest.approx(0.8, abs=0.01)


def test_rigl_moves_on_schedule_and_then_stays(tmp_path) -> None:
    run = train(tmp_path / "run", "rigl", every=10, end=0.5, epochs=3, layers="*,!last")
    moved = [event.step for event in of(run, Mask) if event.since and sum(event.sad)]
    assert moved == [10, 20, 30]
    last = of(run, Mask)[-1]
    assert last.sparsity == pytest.approx(0.8, abs=0.01)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> str:
    """A dense network that has learned."""
    run = train(tmp_path_factory.mktemp("trained") / "run", "dense", epochs=8)
    return str(RunFolder(run).checkpoint(184))


@pytest.mark.parametrize("solver", ["proximal", "subgradient"])
def test_ssl_makes_groups_vanish_and_holds_them(tmp_path, trained, solver) -> None:
    run = train(
        tmp_path / "run",
        "ssl",
        init=trained,
        epochs=6,
        groups="filter+shape",
        solver=solver,
        finetune_epochs=2,
    )
    (phase,) = [event for event in of(run, Phase) if event.name == "fine-tune"]
    zero = {event.step: sum(group.zero for group in event.groups) for event in of(run, Mask)}
    assert zero[0] == 0
    assert zero[135] > 20
    held = [count for step, count in zero.items() if step >= phase.step]
    assert held == sorted(held)
    weights = last_weights(run)
    assert bool((weights["head.weight"].abs().sum(dim=1) > 0).all()), "a class vanished"
    best = max(event.metric for event in of(run, Evaluated) if event.step > phase.step)
    assert best > 0.85


def test_ssl_zeros_are_exact_only_with_the_proximal_solver_without_threshold(tmp_path) -> None:
    run = train(tmp_path / "run", "ssl", solver="subgradient", threshold=0.0, **{"lambda": 0.01})
    assert of(run, Mask)[-1].sparsity == pytest.approx(0.0, abs=1e-4)


def test_whole_layers_vanish_only_where_a_shortcut_leads_around(tmp_path) -> None:
    with pytest.raises(RunError, match=r"layers\.0\.weight cannot vanish as a whole"):
        train(tmp_path / "run", "ssl", groups="layer")


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("dense", "ste")])
def test_every_method_resumes_bit_exactly(tmp_path, method) -> None:
    class Crash(Exception):
        pass

    def crash(event) -> None:
        if event.step == 33 and event.__struct_config__.tag == "step":
            raise Crash

    options = TrainOptions(method=method, epochs=2, batch=128, mask_every=4, save_every=5)
    extra = {"every": 3} if method in ("gradual", "rigl") else {}
    extra |= {"lambda": 0.02} if method in ("ssl", "sr-ste") else {}
    options = TrainOptions(method=method, epochs=3, batch=128, mask_every=4, save_every=5)
    request = Request(options, extra, {"hidden": "32,32"})
    start(request, tmp_path / "one")
    with pytest.raises(Crash):
        start(request, tmp_path / "two", echo=crash)
    resume(tmp_path / "two")
    one, two = last_weights(tmp_path / "one"), last_weights(tmp_path / "two")
    assert all(torch.equal(one[name], two[name]) for name in one)
    masks = [RunFolder(tmp_path / name) for name in ("one", "two")]
    steps = masks[0].steps(masks[0].masks)
    assert steps == masks[1].steps(masks[1].masks)
    for name, mask in read_masks(masks[0].mask(steps[-1])).items():
        other = read_masks(masks[1].mask(steps[-1]))[name]
        assert mask.words.tobytes() == other.words.tobytes()


@pytest.mark.parametrize(
    ("method", "options", "sentence"),
    [
        ("magic", {}, "no method 'magic'"),
        ("sr-ste", {"lambda": -1.0}, "--lambda of sr-ste must be at least 0"),
        ("sr-ste", {"coupling": "loose"}, "one of"),
        ("sr-ste", {"pattern": "4:2"}, "no pattern"),
        ("sr-ste", {"pattern": "2:7"}, "No layer can be sparse"),
        ("sr-ste", {"pattern": "2:7", "layers": "layers.1.weight"}, "64 inputs are no multiple"),
        ("sr-ste", {"layers": "nothing*"}, "matches no weight"),
        ("rigl", {"gravity": 1}, "rigl has no option --gravity"),
    ],
)
def test_what_does_not_fit_is_a_sentence_and_leaves_no_folder(
    tmp_path, method, options, sentence
) -> None:
    with pytest.raises((RunError, Exception), match=sentence):
        train(tmp_path / "run", method, **options)
    assert not (tmp_path / "run").exists()


def test_users_own_method_with_its_options(tmp_path) -> None:
    path = tmp_path / "mine.py"
    path.write_text('''
from typing import Annotated
import msgspec
from msgspec import Meta
from sparse_core.training.method import Method


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    share: Annotated[float, Meta(ge=0, le=1, description="zeroed at the start")] = 0.5


class Mine(Method):
    """Zeroes the first rows once."""

    name = "mine"
    Options = Options
    uses_pattern = False

    def after_step(self, moment):
        for layer in self.layers:
            rows = int(layer.latent.shape[0] * self.options.share)
            layer.latent.data[:rows] = 0
''')
    run = train(tmp_path / "run", f"{path}:Mine", share=0.25)
    assert of(run, Mask)[-1].sparsity == pytest.approx(0.25)
