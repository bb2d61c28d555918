"""What is said: numbers, progress, the figures of a layer, the window's command line."""

from pathlib import Path

import numpy as np
import pytest
from scripted_core import _report, small_network

from inspector.app.arguments import Arguments, parse
from inspector.models import layer_words, words
from inspector.models.problem import Problem
from inspector.views.histogram import log_heights
from inspector.views.status_line import progress_text
from sparse_core.errors import SparseError
from sparse_core.messages import Eligibility, Progress

pytestmark = pytest.mark.gui


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0 %"), (1, "100.0 %"), (0.5, "50.0 %"), (1e-9, "< 0.1 %"), (1 - 1e-9, "> 99.9 %")],
)
def test_a_percentage_never_rounds_to_a_false_end(share: float, text: str) -> None:
    assert words.percent(share) == text


def test_sizes_times_and_counts() -> None:
    assert [words.size(n) for n in (0, 999, 1000, 2_500_000, 41_000_000_000)] == [
        "0 B", "999 B", "1.0 kB", "2.5 MB", "41.0 GB",
    ]  # fmt: skip
    assert [words.seconds(s) for s in (0.004, 3.21, 42.0, 150.0, 7200.0)] == [
        "4 ms", "3.2 s", "42 s", "2 min", "2.0 h",
    ]  # fmt: skip
    assert words.count(1, "layer") == "1 layer"
    assert words.count(1234, "layer") == "1,234 layers"
    assert words.number(-0.5) == "−0.5"
    assert words.number(None) == "–"
    assert words.short_format("bfloat16") == "bf16"
    assert words.lights_text((1, 3, 2, 0)) == "zeros yes, pattern violated, packed no"


def test_progress_says_how_far_and_how_long() -> None:
    assert progress_text(Progress(143, 224, "tensors", 12.0)) == "143 of 224 tensors · 12 s left"
    half = Progress(1_000_000, 2_000_000, "bytes", None)
    assert progress_text(half) == "1.0 MB of 2.0 MB"


def test_figures_of_a_broken_layer_lead_with_the_pattern() -> None:
    report = _report("fc1.weight", small_network()["fc1.weight"])
    figures = {name: figure for name, figure, _ in layer_words.figures_of(report)}
    assert figures["pattern"] == "2:4 (recognised)"
    assert figures["density"] == f"{1 - report.zeros / 512:.4f}"
    assert figures["broken"] == "1 of 128"
    assert "zero rows" not in figures
    assert layer_words.line_of(report) == "16 × 32 · fp32 · linear (known) · groups along in"


def test_a_kernel_that_refuses_says_why() -> None:
    report = _report("fc1.weight", small_network()["fc1.weight"])
    import msgspec

    report = msgspec.structs.replace(
        report, eligible=(Eligibility("A", True), Eligibility("B", False, "8 rows are too few"))
    )
    assert layer_words.notes_of(report) == [
        "2:4 kernel A: eligible.",
        "2:4 kernel B: not eligible, 8 rows are too few.",
    ]


def test_one_value_in_a_bin_is_seen_and_none_is_not() -> None:
    heights = log_heights(np.array([0, 1, 1_000_000]))
    assert heights[0] == 0
    assert 0 < heights[1] < heights[2] == 1
    assert log_heights(np.zeros(3, np.int64)).tolist() == [0, 0, 0]


def test_a_problem_reports_everything_it_knows() -> None:
    assert Problem("It broke.", where="/a", details="trace").report == "It broke.\n/a\ntrace"
    assert Problem("It broke.").report == "It broke."


def test_the_command_line_makes_paths_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path.cwd())
    assert parse(["a.pt", "/b"]).paths == (f"{here}/a.pt", "/b")
    wanted = parse(["/b", "--pictures", "out", "--at", "3,4", "--zoom", "8", "--plane", "mask"])
    assert wanted == Arguments(("/b",), "out", plane="mask", at=(3, 4), zoom=8.0)


@pytest.mark.parametrize(
    "text",
    [
        "/a --page weights", "/a --zoom 8", "/a /b --pictures out", "--pictures out",
        "/a --pictures out --at 3", "/a --pictures out --at -1,2", "/a --pictures out --zoom 0",
        "/a --pictures out --zoom nan", "/a --pictures out --zoom -2",
        "/a --pictures out --page nothing", "--nonsense",
    ],
)  # fmt: skip
def test_nonsense_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(SparseError) as refusal:
        parse(text.split())
    assert "\n" not in str(refusal.value)
