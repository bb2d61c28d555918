import numpy as np
import pytest

from sparse_core.speed.disturbance import Usage, share_of_others, usage
from sparse_core.speed.statistics import ratio, spread


def test_spread_is_numpys_percentiles():
    times = np.random.default_rng(0).gamma(3, 1e-3, 101)
    found = spread(times)
    assert found.median_ms == pytest.approx(np.median(times) * 1e3)
    assert found.p10_ms == pytest.approx(np.percentile(times, 10) * 1e3)
    assert found.p90_ms == pytest.approx(np.percentile(times, 90) * 1e3)
    assert found.n == 101


def test_a_clear_difference_is_found_and_its_direction():
    random = np.random.default_rng(1)
    dense, sparse = random.normal(2e-3, 1e-5, 50), random.normal(1e-3, 1e-5, 50)
    found = ratio(dense, sparse)
    assert found.finding == "faster"
    assert found.low < found.ratio < found.high
    assert found.ratio == pytest.approx(2, rel=0.02)
    assert ratio(sparse, dense).finding == "slower"


def test_no_difference_is_said_where_the_interval_spans_one():
    random = np.random.default_rng(2)
    wrong = sum(
        ratio(random.normal(1, 0.1, 30), random.normal(1, 0.1, 30), seed).finding != "no difference"
        for seed in range(100)
    )
    # A 95 % interval misses 1 about five times in a hundred.
    assert wrong <= 15


def test_common_drift_does_not_widen_the_interval():
    drift = np.linspace(1, 2, 60)
    found = ratio(1.5e-3 * drift, 1e-3 * drift)
    assert found.low == pytest.approx(1.5)
    assert found.high == pytest.approx(1.5)


def test_the_same_times_give_the_same_interval():
    times = np.random.default_rng(3).random((2, 20)) + 1
    assert ratio(*times) == ratio(*times)


def test_share_of_others_is_what_we_did_not_use():
    assert share_of_others(Usage(10, 5), Usage(13, 6), 2.0) == 1.0
    assert share_of_others(Usage(10, 5), Usage(11, 6), 2.0) == 0.0
    assert share_of_others(None, Usage(1, 1), 1.0) == 0.0
    before, after = usage(), usage()
    assert before is not None
    assert after is not None
    assert after.everybody >= before.everybody
