import json
import multiprocessing
import subprocess
import sys

import pytest
import torch
from torch import nn

from sparse_core.errors import Cancelled, RunError, SparseError
from sparse_core.inference.backends import BACKENDS, BY_NAME
from sparse_core.inference.plan import Choice, Plan, apply
from sparse_core.messages.speed import BACKENDS as BACKEND_NAMES
from sparse_core.messages.speed import FORMATS, SpeedRow, Unavailable
from sparse_core.patterns import NMPattern
from sparse_core.speed.comparison import Setting, compare
from sparse_core.speed.layers import DTYPES, made_layer
from sparse_core.speed.lock import machine_lock
from sparse_core.speed.rounds import Effort
from sparse_core.speed.session import measure_layers, plan_of

BRIEF = Effort(warm_up_s=0.0, seconds=0.0, rounds=3, repeats=0)
LAYER = made_layer((64, 64), NMPattern(2, 4), torch.float32)


def test_every_backend_is_timed_or_named_with_its_reason():
    settings = [Setting(batch=1), Setting(batch=64)]
    found = list(measure_layers([LAYER], settings, BACKENDS, BRIEF))
    refused = [row for row in found if isinstance(row, Unavailable)]
    timed = [row for row in found if isinstance(row, SpeedRow)]
    assert [row.backend for row in refused] == ["compact", "semi_structured", "nm_triton"]
    assert [(r.batch, r.backend) for r in timed] == [
        (batch, name) for batch in (1, 64) for name in ("dense", "nm_native", "csr", "bsr")
    ]
    for row in timed:
        assert row.p10_ms <= row.median_ms <= row.p90_ms
        assert row.ratio_low <= row.ratio <= row.ratio_high
        assert row.max_error < 1e-5
        assert row.n == 3
    dense = {row.batch: row.median_ms for row in timed if row.backend == "dense"}
    assert all(row.dense_median_ms == dense[row.batch] for row in timed)


def test_a_wrong_backend_shows_its_error():
    class Wrong:
        name = "nm_native"

        def prepare(self, layer, device, batch, threads):
            prepared = BY_NAME["dense"].prepare(layer, device, batch, threads)

            class Doubled:
                nbytes = 0

                def run(self, x):
                    return 2 * prepared.run(x)

            return Doubled()

    found = compare(LAYER, [Wrong()], Setting(batch=4), BRIEF)
    assert found.contenders[1].max_error == pytest.approx(1.0)
    row = SpeedRow(
        "a", (1, 1), "1:8", 4, "float32", "cpu", 1, "nm_native", 1, 9, 1, 1, 3, 9, 8, 9.5, 1.0, 0
    )  # fmt: skip
    assert plan_of([row], Setting(batch=4)).choices == (Choice("a", "dense", "1:8"),)


def test_cancel():
    with pytest.raises(Cancelled):
        compare(LAYER, [], Setting(), BRIEF, cancelled=lambda: True)


def test_threads_are_put_back():
    before = torch.get_num_threads()
    compare(LAYER, [], Setting(threads=before + 1), BRIEF)
    assert torch.get_num_threads() == before


def _hold(folder, held, release):
    with machine_lock(folder):
        held.set()
        release.wait(30)


@pytest.mark.slow
def test_one_speed_test_at_a_time(tmp_path):
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path, held, release))
    other.start()
    assert held.wait(30)
    with pytest.raises(RunError, match="Another speed test"), machine_lock(tmp_path):
        pass
    other.kill()
    other.join()
    with machine_lock(tmp_path):
        pass


def model() -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, 24))
    with torch.no_grad():
        net[0].weight.copy_(made_layer((16, 8, 3, 3), NMPattern(1, 4), torch.float32).weight)
        net[3].weight.copy_(made_layer((24, 256), NMPattern(1, 8), torch.float32).weight)
    return net


def test_a_planned_model_gives_the_same_outputs(tmp_path):
    plan = Plan(
        "cpu", 5, 1, (Choice("0.weight", "nm_native", "1:4"), Choice("3", "nm_native", "1:8"))
    )
    plan.save(tmp_path / "plan.json")
    plan = Plan.load(tmp_path / "plan.json")
    net = model().eval()
    x = torch.randn(5, 8, 4, 4)
    planned = apply(net, plan)
    assert type(net[0]) is nn.Conv2d
    assert "nm_native" in str(planned)
    with torch.no_grad():
        torch.testing.assert_close(planned(x), net(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (Choice("9", "nm_native", "1:4"), "no linear or conv layer"),
        (Choice("0", "compact", None), "no row and no column"),
    ],
)
def test_a_plan_that_does_not_fit(choice, sentence):
    with pytest.raises(SparseError, match=sentence):
        apply(model(), Plan("cpu", 1, 1, (choice,)))


@pytest.mark.parametrize(
    "text", ["", "{}", '{"device":"cpu","batch":1,"threads":1,"choices":[],"version":2}']
)
def test_a_file_that_is_no_plan(tmp_path, text):
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(SparseError, match=r"no plan|newer"):
        Plan.load(tmp_path / "plan.json")


def test_the_words_of_the_command_name_what_there_is():
    assert tuple(BY_NAME) == BACKEND_NAMES
    assert tuple(DTYPES) == FORMATS


@pytest.mark.slow
def test_the_command_line(tmp_path):
    words = ["speed", "--shape", "32x64", "--pattern", "1:8,2:4", "--batch", "2", "--seconds", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "sparse_core", *words, "--json", "--plan", str(tmp_path / "p.json")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["type"] == "machine"
    assert {line["pattern"] for line in lines if line["type"] == "speed"} == {"1:8", "2:4"}
    assert len(Plan.load(tmp_path / "p.json").choices) == 2
    bad = subprocess.run(
        [sys.executable, "-m", "sparse_core", "speed", "--shape", "32"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert bad.returncode == 2
    assert bad.stderr.count("\n") == 1
