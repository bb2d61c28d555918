"""What the speed page says of rows: findings, reasons, lights, estimates."""

import msgspec
import pytest

from inspector.models.speed_result import (
    SpeedResult,
    best_of,
    estimate,
    finding,
    promise,
)
from inspector.models.speed_view import SpeedView, batches_of, complaint
from inspector.models.speed_words import lights, network_words, reason, verdict_of, whys
from sparse_core.messages.speed import NetworkRow, SpeedRow, Unavailable


def row(backend: str, ms: float, ratio: tuple[float, float, float], **changes: object) -> SpeedRow:
    made = SpeedRow(
        layer="a.weight", shape=(64, 128), pattern="2:4", batch=8, dtype="float32", device="cpu",
        threads=1, backend=backend, median_ms=ms, dense_median_ms=2.0, p10_ms=ms, p90_ms=ms, n=9,
        ratio=ratio[1], ratio_low=ratio[0], ratio_high=ratio[2], max_error=1e-7, bytes=1,
        macs=8192 if backend == "dense" else 4096,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changes)


DENSE = row("dense", 2.0, (1.0, 1.0, 1.0))
FAST = row("nm_native", 1.0, (1.8, 2.0, 2.2))
EVEN = row("csr", 2.1, (0.9, 0.95, 1.1))
SLOW = row("bsr", 8.0, (0.2, 0.25, 0.3))
WRONG = row("compact", 0.1, (19, 20, 21), max_error=0.5)


def test_what_an_interval_allows_to_say() -> None:
    said = [finding(one) for one in (FAST, EVEN, SLOW, WRONG)]
    assert said == ["faster", "no difference", "slower", "wrong"]
    assert "the interval holds 1" in reason(EVEN, DENSE)
    assert "not correct" in reason(WRONG, DENSE)
    assert "2 times fewer multiply-adds" in reason(FAST, DENSE)
    marked = msgspec.structs.replace(SLOW, disturbed=True, remarks=("clocks dropped 18 %",))
    assert reason(marked, DENSE).endswith("disturbed by other processes; clocks dropped 18 %")


def test_what_is_wrong_is_never_the_best() -> None:
    assert best_of([DENSE, WRONG, EVEN, SLOW])["a.weight"] is DENSE
    assert best_of([DENSE, WRONG, FAST])["a.weight"] is FAST
    assert promise(FAST, DENSE) == 2
    assert promise(FAST, None) != promise(FAST, None)


def test_layers_add_up_as_often_as_they_are_there() -> None:
    other = [
        msgspec.structs.replace(one, layer="b.weight", layers=3)
        for one in (DENSE, msgspec.structs.replace(SLOW, median_ms=9.0))
    ]
    found = estimate([DENSE, FAST, *other])
    assert found is not None
    assert found.dense_ms == 2 + 3 * 2
    assert found.planned_ms == 1 + 3 * 2
    assert found.ratio == pytest.approx(8 / 7)
    assert estimate([]) is None


def test_the_verdict_follows_from_the_rows() -> None:
    def headline(*rows: SpeedRow) -> str:
        return verdict_of(SpeedResult(timed=rows), 8, running=False).headline

    assert (
        headline(DENSE, FAST)
        == "nm_native is up to 2.00 times as fast as dense: 1 of 1 shape gains."
    )
    assert headline(DENSE, SLOW, EVEN).startswith("On this machine sparse gains nothing")
    assert headline(DENSE).startswith("No sparse backend can run")
    assert headline() == "Nothing could be timed."


def test_five_questions_are_told_apart() -> None:
    answers = dict(lights(DENSE, (1, 1, 2, 1), [DENSE, SLOW]))
    assert answers == {
        "zeros": True, "pattern": True, "packed": False, "eligible": True, "measured faster": False
    }  # fmt: skip
    assert dict(lights(DENSE, (), [DENSE, FAST]))["measured faster"]


def test_backends_that_cannot_run_stay_with_their_reason() -> None:
    refused = [Unavailable("nm_triton", name, "no CUDA device") for name in ("a", "b")]
    said = whys([DENSE, FAST], refused)
    assert said[-1] == "nm_triton: not measured, no CUDA device (2 shapes)."


def test_the_whole_network_says_what_it_is() -> None:
    found = estimate([DENSE, FAST])
    assert "Open a run" in network_words(found, None, "")
    assert "was not timed: no layer is faster" in network_words(found, None, "no layer is faster")
    network = NetworkRow("digits", 8, "cpu", 1, 1, 2, 1, 1, 9, 2, 1.9, 2.1, 3e-7, 1)
    assert "Outputs equal dense within 3e-07" in network_words(found, network, "")


def test_what_keeps_a_test_from_starting() -> None:
    assert "Open a checkpoint" in complaint(SpeedView())
    assert complaint(SpeedView(shapes="64x64")) == ""
    assert "batch" in complaint(SpeedView(place="a", batches=()))
    assert batches_of("1 · 8 · 32") == (1, 8, 32)
    assert batches_of("1, x") is None
    assert batches_of("0") is None
    wanted = SpeedView(place="a", shapes="8x8, 16x16", patterns="1:4,2:4").wanted("/a")
    assert wanted.shapes == ("8x8", "16x16")
    assert wanted.patterns == ("1:4", "2:4")
