"""What events come to, the alerts and the advice that follow from it."""

from pathlib import Path

import pytest

from sparse_core.runs.advice import Figures, LayerFigures, advise
from sparse_core.runs.alerts import STILL_MASKS, Sight, alerts_of
from sparse_core.runs.events import (
    Evaluated,
    Event,
    Failed,
    Finished,
    LayerChoice,
    Mask,
    Phase,
    Resumed,
    Saved,
    Set,
    Started,
    Step,
)
from sparse_core.runs.job_state import Standing
from sparse_core.runs.ledger import Ledger
from sparse_core.runs.processes import Process

NOW = {"time": 1.0, "elapsed_s": 1.0}
ALIVE = Standing("running", None, Process(7, "x"), here=True, alive=True)


def started(**more) -> Started:
    given = {
        "task": "digits",
        "method": "sr-ste",
        "pattern": "2:4",
        "axis": "in",
        "metric": "accuracy",
        "higher_is_better": True,
        "steps": 100,
        "steps_an_epoch": 10,
        "parameters": 64,
        "layers": (LayerChoice("a", "linear", (8, 4), True),),
        **more,
    }
    return Started(step=0, **NOW, **given)


def mask(step: int, since: int | None, *sad: int) -> Mask:
    return Mask(
        step=step,
        since=since,
        layers=tuple("abc"[: len(sad)]),
        entries=(32,) * len(sad),
        kept=(16,) * len(sad),
        sad=sad,
        births=tuple(one // 2 for one in sad),
        deaths=tuple(one - one // 2 for one in sad),
        sparsity=0.5,
        flip_rate=None if since is None else sum(sad) / (32 * len(sad)),
        **NOW,
    )


def evaluated(step: int, metric: float) -> Evaluated:
    return Evaluated(
        step=step,
        split="valid",
        examples=10,
        loss=1.0,
        loss_sd=0.1,
        metric=metric,
        metric_sd=0.1,
        **NOW,
    )


def step(number: int, loss: float | None = 1.0) -> Step:
    return Step(step=number, epoch=0.1, loss=loss, lr=0.1, **NOW)


def test_frozen_since_is_the_last_step_with_a_change() -> None:
    ledger = Ledger(
        [mask(0, None, 0, 0), mask(10, 0, 4, 2), mask(20, 10, 0, 2), mask(30, 20, 0, 0)]
    )
    assert ledger.layers["a"].frozen_since == 10
    assert ledger.layers["b"].frozen_since == 20
    ledger.add(mask(40, 30, 1, 0))
    assert ledger.layers["a"].frozen_since == -1
    assert ledger.layers["b"].frozen_since == 20
    assert ledger.frozen_share == 0.5


@pytest.mark.parametrize(("higher", "best"), [(True, 0.9), (False, 0.2)])
def test_best_follows_the_direction_of_the_metric(higher: bool, best: float) -> None:
    metrics = [evaluated(10, 0.5), evaluated(20, 0.9), evaluated(30, 0.2)]
    ledger = Ledger([started(higher_is_better=higher), *metrics])
    assert (ledger.best, ledger.metric) == (best, 0.2)


def test_a_resumed_run_is_no_longer_ended() -> None:
    end = Finished(step=5, reason="stopped", **NOW)
    ledger = Ledger([step(5), end, Resumed(step=5, restart=True, **NOW)])
    assert ledger.finished is None
    failed = Failed(step=6, sentence="no", **NOW)
    assert Ledger([failed, Resumed(step=5, **NOW)]).failed is None


def test_checkpoints_and_knobs_are_remembered() -> None:
    ledger = Ledger(
        [
            Saved(step=10, path="checkpoints/a", bytes=1, best=True, **NOW),
            Saved(step=20, path="checkpoints/b", bytes=1, **NOW),
            Set(step=21, name="lambda", value=0.1, **NOW),
        ]
    )
    assert (ledger.saved, ledger.best_saved) == ("checkpoints/b", "checkpoints/a")
    assert ledger.knobs == {"lambda": 0.1}


# ---------------------------------------------------------------- alerts


def still(count: int) -> list[Event]:
    moving = [mask(10 * n, 10 * n - 10, 3) for n in range(1, 5)]
    return [mask(0, None, 0), *moving, *(mask(50 + 10 * n, 40 + 10 * n, 0) for n in range(count))]


def test_masks_frozen_after_they_moved() -> None:
    assert "frozen" not in alerts_of(Ledger(still(STILL_MASKS - 1)), Sight(ALIVE))
    sentence = alerts_of(Ledger(still(STILL_MASKS)), Sight(ALIVE))["frozen"]
    assert "since step 40" in sentence


def test_masks_that_were_never_meant_to_move_are_no_news() -> None:
    never = [mask(0, None, 0), *(mask(10 * n, 10 * n - 10, 0) for n in range(1, 20))]
    assert "frozen" not in alerts_of(Ledger(never), Sight(ALIVE))
    asked = [*still(STILL_MASKS), Set(step=100, name="freeze", value=True, **NOW)]
    assert "frozen" not in alerts_of(Ledger(asked), Sight(ALIVE))
    phase = [*still(STILL_MASKS), Phase(step=100, name="fine-tune", **NOW), mask(110, 100, 0)]
    assert "frozen" not in alerts_of(Ledger(phase), Sight(ALIVE))


def test_nan_is_a_loss_that_was_a_number_before() -> None:
    assert "nan" not in alerts_of(Ledger([step(1, None)]), Sight(ALIVE))
    assert "nan" in alerts_of(Ledger([step(1), step(2, None)]), Sight(ALIVE))
    failed = Failed(step=3, sentence="The loss is nan at step 3: the run was stopped.", **NOW)
    assert "nan" in alerts_of(Ledger([step(1), failed]), Sight(ALIVE))


def test_silence_counts_only_where_something_is_due() -> None:
    ledger = Ledger([step(1)])
    assert "silent" in alerts_of(ledger, Sight(ALIVE, silent_s=16))
    assert "silent" not in alerts_of(ledger, Sight(ALIVE, silent_s=14))
    assert "silent" not in alerts_of(ledger, Sight(ALIVE, silent_s=16, slow_s=20))
    paused = Standing("paused", None, Process(7, "x"), here=True, alive=True)
    assert "silent" not in alerts_of(ledger, Sight(paused, silent_s=600))
    over = Standing("finished", None, Process(7, "x"), here=True, alive=False)
    assert alerts_of(ledger, Sight(over, silent_s=600)) == {}


def test_a_small_disk_is_not_nearly_full_by_being_small() -> None:
    ledger = Ledger([step(1)])
    assert "disk" in alerts_of(ledger, Sight(ALIVE, free_bytes=10**7, total_bytes=10**11))
    assert "disk" not in alerts_of(ledger, Sight(ALIVE, free_bytes=10**8, total_bytes=10**9))
    assert "disk" not in alerts_of(ledger, Sight(ALIVE))


# ---------------------------------------------------------------- advice


def figures(**more) -> Figures:
    given = {
        "run": "/runs/one",
        "state": "finished",
        "checkpoint": "/runs/one/checkpoints/step-00000100.safetensors",
        "options": (("task", "digits"), ("method", "sr-ste"), ("lambda", 0.001), ("epochs", 4)),
        "step": 100,
        "steps": 100,
        "pattern": "2:4",
        "layers": (LayerFigures("a", 1000, 0), LayerFigures("b", 1000, 0)),
        "exponent": 0.5,
        "bad_groups": 0,
        "eligible": 2,
        **more,
    }
    return Figures(**given)


def kinds(asked: Figures) -> list[str]:
    return [action.kind for action in advise(asked)]


def test_valid_and_eligible_is_timed_then_exported() -> None:
    assert kinds(figures()) == ["speed", "export"]
    assert kinds(figures(eligible=0)) == ["export"]
    assert kinds(figures(bad_groups=3)) == []


def test_moving_masks_ask_for_more_lambda_or_more_epochs() -> None:
    moving = figures(layers=(LayerFigures("a", 1000, 30), LayerFigures("b", 1000, 25)))
    stronger, longer, *_ = advise(moving)
    assert dict(stronger.options)["lambda"] == pytest.approx(0.003)
    assert "2.75%" in stronger.reason
    assert dict(longer.options) == {**dict(moving.options), "init": moving.checkpoint}
    inert = figures(layers=moving.layers, exponent=0.01)
    assert dict(advise(inert)[0].options)["lambda"] == pytest.approx(0.1)


def test_one_unstable_layer_is_left_dense() -> None:
    layers = (LayerFigures("a", 1000, 1), LayerFigures("b", 1000, 90), LayerFigures("c", 900, 2))
    first = advise(figures(layers=layers))[0]
    assert "b dense" in first.title
    assert dict(first.options)["layers"] == "a,c"
    large = (LayerFigures("a", 100, 1), LayerFigures("b", 10_000, 900))
    assert "dense" not in advise(figures(layers=large))[0].title


def test_what_was_cut_off_goes_on_and_what_failed_steps_smaller() -> None:
    assert kinds(figures(state="died", step=40)) == ["resume"]
    assert "40 of 100" in advise(figures(state="stopped", step=40))[0].reason
    failed = figures(state="failed", options=(("lr", 0.5),))
    assert dict(advise(failed)[0].options)["lr"] == pytest.approx(0.05)


def test_nothing_is_advised_while_it_runs() -> None:
    assert advise(figures(state="running")) == ()


def test_zero_units_are_compacted_and_dense_is_measured() -> None:
    ssl = advise(figures(pattern=None, zero_units=3, bad_groups=None))
    assert [dict(action.options).get("compact") for action in ssl] == [True]
    assert kinds(figures(virtual=True)) == ["sensitivity", "train"]


def test_every_advice_has_a_reason_and_a_command() -> None:
    for asked in (figures(), figures(state="died"), figures(virtual=True), figures(zero_units=1)):
        for action in advise(asked):
            assert action.reason.endswith(".")
            assert action.command.startswith("sparsescope ")
            assert Path(action.source).is_absolute()
