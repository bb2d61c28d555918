"""STE and SR-STE against the golden vectors and their own promises."""

import pytest
import torch
from torch import nn

from sparse_core.errors import RunError
from sparse_core.masks import layout_of
from sparse_core.patterns import NMPattern
from sparse_core.training.layers import SparseLayer
from sparse_core.training.method import Moment, Plan
from sparse_core.training.methods.sr_ste import SrSte, SrSteOptions
from sparse_core.training.methods.ste import Ste, SteOptions
from sparse_core.training.optimizers import gain

X = torch.tensor([[1.0, 2.0, 3.0, 4.0]], dtype=torch.float64)
PLAN = Plan(steps=100, steps_an_epoch=10, seed=0)


def network(weights, method=SrSte, options=None):
    """One linear layer of one output with these weights, made sparse 2:4."""
    module = nn.Linear(len(weights), 1, bias=False, dtype=torch.float64)
    module.weight.data.copy_(torch.tensor([weights], dtype=torch.float64))
    layer = SparseLayer("weight", module, layout_of((1, len(weights)), "linear"), NMPattern(2, 4))
    made = method(options or SrSteOptions(), [layer], PLAN)
    made.attach()
    return module, layer, made


def backward(module, target=1.0):
    output = module(X).squeeze()
    module.zero_grad()
    (0.5 * (output - target) ** 2).backward()
    return output


def test_ste_gives_every_weight_the_projected_gradient(golden) -> None:
    vector = golden["ste"]
    module, layer, method = network(vector["w"], Ste, SteOptions())
    assert method.mask(layer).int().tolist() == [vector["mask"]]
    assert backward(module).item() == vector["y"]
    assert layer.latent.grad.tolist() == [vector["ste_grad"]]


@pytest.mark.parametrize("pull", [0.0002, 0.1])
def test_sr_ste_adds_lambda_times_pruned(golden, pull) -> None:
    vector = golden[f"srste_lambda_{pull}"]
    module, layer, method = network(golden["ste"]["w"], options=SrSteOptions(pull=pull))
    backward(module)
    torch.testing.assert_close(layer.latent.grad[0], torch.tensor(vector["grad"]).double())
    torch.optim.SGD([layer.latent], lr=0.1).step()
    wanted = torch.tensor(vector["sgd_lr0p1"]).double()
    torch.testing.assert_close(layer.latent.detach()[0], wanted)
    assert method.mask(layer).int().tolist() == [vector["next_mask"]]


def test_three_momentum_steps(golden) -> None:
    vector = golden["srste_sgd_momentum_3steps"]
    module, layer, method = network(golden["ste"]["w"], options=SrSteOptions(pull=vector["lam"]))
    optimizer = torch.optim.SGD([layer.latent], lr=vector["lr"], momentum=vector["momentum"])
    for step in vector["steps"]:
        assert method.mask(layer).int().tolist() == [step["mask"]]
        assert backward(module).item() == pytest.approx(step["y"], abs=1e-9)
        assert layer.latent.grad[0].tolist() == pytest.approx(step["grad"], abs=1e-9)
        optimizer.step()
        momentum = optimizer.state[layer.latent]["momentum_buffer"]
        assert momentum[0].tolist() == pytest.approx(step["buf"], abs=1e-9)
        assert layer.latent[0].tolist() == pytest.approx(step["w"], abs=1e-9)


def test_coupled_weight_decay_adds_up(golden) -> None:
    vector = golden["srste_with_coupled_weight_decay"]
    module, layer, _ = network(golden["ste"]["w"], options=SrSteOptions(pull=vector["lam"]))
    before = layer.latent.detach().clone()
    backward(module)
    torch.optim.SGD([layer.latent], lr=1.0, weight_decay=vector["wd"]).step()
    moved = (before - layer.latent.detach())[0]
    assert moved.tolist() == pytest.approx(vector["grad"], abs=1e-9)


def test_first_published_code_was_a_weight_decay_of_five_times(golden) -> None:
    vector = golden["srste_equals_5x_weight_decay_on_pruned"]
    assert vector["implied_lambda"] == pytest.approx(4 * vector["wd"])
    assert SrSteOptions().pull == vector["implied_lambda"]


def test_adam_hides_a_coupled_lambda_and_not_a_decoupled_one(golden) -> None:
    vector = golden["adam_step1"]
    updates = {}
    for coupling, pull in (("gradient", 0.1), ("gradient", 0.0), ("decoupled", 0.1)):
        options = SrSteOptions(pull=pull, coupling=coupling)
        module, layer, method = network(golden["ste"]["w"], options=options)
        before = layer.latent.detach().clone()
        backward(module)
        optimizer = torch.optim.Adam([layer.latent], lr=1e-3)
        method.before_step(Moment(0, 1e-3, optimizer))
        optimizer.step()
        updates[coupling, pull] = (before - layer.latent.detach())[0].tolist()
    tight = {"abs": 1e-15, "rel": 0}
    wanted = vector["masked_decay_in_gradient_update"]
    assert updates["gradient", 0.1] == pytest.approx(wanted, **tight)
    assert updates["gradient", 0.0] == pytest.approx(vector["plain_ste_update"], **tight)
    wanted = vector["masked_decay_decoupled_update"]
    assert updates["decoupled", 0.1] == pytest.approx(wanted, abs=1e-12)


def test_exponent_counts_what_lambda_did_and_will_do(golden) -> None:
    _, layer, method = network(golden["ste"]["w"], options=SrSteOptions(pull=2e-4))
    assert method.exponent(0.9, lr_to_come=75.0) == pytest.approx(0.15)
    optimizer = torch.optim.SGD([layer.latent], lr=0.1)
    method.after_step(Moment(0, 0.1, optimizer))
    method.turn("lambda", 1e-2)
    method.after_step(Moment(1, 0.1, optimizer))
    assert method.exponent(0.9) == pytest.approx((2e-4 + 1e-2) * 0.1 / 0.1)


def test_pull_is_lambda_times_pruned_times_the_optimizers_gain(golden) -> None:
    module, layer, method = network(golden["ste"]["w"], options=SrSteOptions(pull=0.1))
    backward(module)
    optimizer = torch.optim.SGD([layer.latent], lr=0.01, momentum=0.9)
    optimizer.step()
    layer.latent.data.copy_(torch.tensor([golden["ste"]["w"]]))
    pulled = method.pulled(layer, gain(optimizer, layer.latent), 0.01)
    assert pulled[0].tolist() == pytest.approx([0.1 * 0.5 * 0.1, 0, 0, 0.1 * 0.25 * 0.1])


def test_gain_of_adam_is_lr_over_root_of_the_variance(golden) -> None:
    module, layer, _ = network(golden["ste"]["w"])
    backward(module)
    gradient = layer.latent.grad.clone()
    optimizer = torch.optim.Adam([layer.latent], lr=0.01)
    assert gain(optimizer, layer.latent) == 0.0
    optimizer.step()
    torch.testing.assert_close(
        gain(optimizer, layer.latent), 0.01 / (gradient.abs() + 1e-8), rtol=1e-12, atol=0
    )


def test_negative_lambda_is_refused(golden) -> None:
    _, _, method = network(golden["ste"]["w"])
    with pytest.raises(RunError, match="lambda must be at least 0"):
        method.turn("lambda", -0.1)
    with pytest.raises(RunError, match="no knob"):
        method.turn("gravity", 1.0)


@pytest.mark.parametrize("soft", [False, True])
def test_frozen_masks_stay_whatever_momentum_does(soft) -> None:
    torch.manual_seed(0)
    module, layer, method = network([0.5, -1, 2, 0.25], Ste, SteOptions(soft=soft))
    optimizer = torch.optim.SGD([layer.latent], lr=0.01, momentum=0.9)
    for step in range(3):
        backward(module)
        optimizer.step()
        method.after_step(Moment(step, 0.01, optimizer))
    before, mask = module(X).item(), method.mask(layer).clone()
    assert method.rule == "projected"
    method.freeze()
    assert module(X).item() == pytest.approx(before)
    assert method.rule == "zeros"
    for step in range(5):
        backward(module, target=50.0)
        method.before_step(Moment(step, 0.01, optimizer))
        optimizer.step()
        method.after_step(Moment(step, 0.01, optimizer))
    assert torch.equal(layer.latent.detach() != 0, mask)
    assert torch.equal(method.mask(layer), mask)
    with pytest.raises(RunError, match="thawed"):
        method.turn("freeze", False)


def test_state_goes_and_comes_back() -> None:
    _, layer, method = network([0.5, -1, 2, 0.25])
    method.turn("lambda", 0.3)
    method.freeze()
    state = method.state()
    _, _, other = network([2, 0.1, 0.1, 3])
    other.restore(state.tensors, state.scalars)
    assert other.knobs() == {"freeze": True, "lambda": 0.3}
    assert torch.equal(other.mask(layer), method.mask(layer))


def test_soft_scale_is_that_of_the_first_weights(golden) -> None:
    vector = golden["s_ste"]
    module, layer, method = network(vector["w"], Ste, SteOptions(soft=True))
    layer.latent.data.mul_(3.0)
    assert method.effective(layer)[0].tolist() == pytest.approx(
        [0.0, 0.0, 3.0 * vector["beta"], -6.0 * vector["beta"]]
    )
    backward(module)
    output = module(X).item()
    assert layer.latent.grad[0].tolist() == pytest.approx(((output - 1) * X[0]).tolist())
