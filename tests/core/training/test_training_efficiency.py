"""The efficiency figures against the golden vectors."""

import pytest

from sparse_core.training.efficiency import (
    LayerWork,
    crossovers,
    efficiency,
    odds_per_million,
    points_per_million,
    slack,
    storage_bits,
)


@pytest.mark.parametrize(
    ("name", "accuracy", "nonzero"),
    [
        ("efficiency_dense_rn50", 0.761, 25557032),
        ("efficiency_asp_rn50", 0.762, 12810280),
    ],
)
def test_accuracy_per_million_weights(golden, name, accuracy, nonzero) -> None:
    vector = golden[name]
    assert points_per_million(accuracy, nonzero) == pytest.approx(vector["acc_points_per_Mparam"])
    assert odds_per_million(accuracy, nonzero) == pytest.approx(vector["odds_per_Mparam"])


def test_slack_is_where_the_curve_crosses_one_percent(golden) -> None:
    vector = golden["slack_1pct_relative"]
    curve = [tuple(point) for point in vector["curve"]]
    assert slack(curve) == pytest.approx(vector["sparsity"])
    assert slack([(0.0, 0.9), (0.9, 0.9)]) == 0.9
    assert slack([(0.0, 0.9), (0.5, 0.1)]) == pytest.approx(0.5 * 0.009 / 0.8)


def test_bits_of_each_storage_form(golden) -> None:
    vector = golden["storage_n1e8_k8_s90"]
    sizes = storage_bits(10**8, 10**7, 8, 10**4)
    assert {form: sizes[form] for form in vector} == vector


def test_crossovers(golden) -> None:
    vector = golden["storage_crossovers_n1e8_k8"]
    found = crossovers(10**8, 8, 10**4)
    assert found == {key: pytest.approx(value) for key, value in vector.items()}


def test_nm_ratios(golden) -> None:
    for text, ratio in golden["nm_packed_ratio"].items():
        pattern, _, bits = text.partition("@")
        n, m = map(int, pattern.split(":"))
        width = int(bits.removesuffix("b"))
        sizes = storage_bits(1024 * m, 1024 * n, width, m, m)
        assert sizes["n:m"] / sizes["dense"] == pytest.approx(ratio)


def test_a_network_adds_up() -> None:
    layers = [
        LayerWork("conv", 1000, 500, 100, positions=10, compact=400, group=4),
        LayerWork("head", 100, 100, 10),
    ]
    figures = efficiency(0.9, layers, other_parameters=50)
    assert figures.nonzero == 650
    assert figures.parameters == 1150
    assert (figures.macs_dense, figures.macs_effective, figures.macs_compact) == (10100, 5100, 4100)
    assert figures.bytes["dense"] == 1150 * 4
    assert figures.bytes["n:m"] == (500 * 34 + 100 * 32 + 50 * 32) // 8
    assert figures.smallest == "n:m"


def test_a_run_weighs_what_its_projections_keep(tmp_path) -> None:
    from sparse_core.runs.reader import EventTail
    from sparse_core.training.job import Request
    from sparse_core.training.options import TrainOptions
    from sparse_core.training.session import start

    options = TrainOptions(task="digits", method="sr-ste", pattern="2:4", epochs=1)
    start(Request(options), tmp_path / "run")
    *_, last = EventTail(tmp_path / "run" / "events.jsonl").read()
    # The digits network: 64-128-128-64-10, its first layer and its head dense.
    sparse, dense = 128 * 128 + 128 * 64, 64 * 128 + 64 * 10
    biases = 128 + 128 + 64 + 10
    assert last.figures["parameters"] == sparse + dense + biases
    assert last.figures["nonzero"] == sparse // 2 + dense + biases
    assert last.figures["macs_dense"] == sparse + dense
    assert last.figures["macs_effective"] == sparse // 2 + dense
