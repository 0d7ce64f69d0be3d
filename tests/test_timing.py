"""Tests the statistics of the timing test on known samples, on equal samples, and on samples with a small difference."""

import random
import statistics

import pytest

from benchmarks.timing import Compared, exit_code, verdict
from benchmarks.timing_routes import ROUTES
from benchmarks.welch import T_MAX, Welch, cropped, welch

# Hours of sleep that ten patients gained with each of two drugs (Student 1908, printed in many textbooks).
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)


def times(rng: random.Random, *, count: int, more: float = 0.0) -> list[float]:
    """Returns invented response times in ms, as on a busy machine: most are near each other, and one in twenty is much longer."""
    return [more + rng.lognormvariate(0.0, 0.5) + (rng.random() < 0.05) * rng.expovariate(0.1) for _ in range(count)]


def test_students_sleep_gives_the_known_t_and_degrees() -> None:
    """The size of Welch's t and the degrees of freedom are those of R's `t.test(extra ~ group, data = sleep)`."""
    found = welch(*SLEEP)
    assert found.t == pytest.approx(1.8608, abs=5e-5)
    assert found.degrees == pytest.approx(17.776, abs=5e-4)
    assert welch(*SLEEP[::-1]).t == pytest.approx(-found.t)


def test_unequal_variances_and_sizes_give_what_a_hand_reckons() -> None:
    """The samples have the means 2 and 6 and the squared standard errors 1/3 and 4/5, so t = 4/sqrt(17/15)."""
    found = welch([1.0, 2.0, 3.0], [4.0, 4.0, 6.0, 8.0, 8.0])
    assert found.t == pytest.approx(4 / (17 / 15) ** 0.5)
    assert found.degrees == pytest.approx((17 / 15) ** 2 / ((1 / 3) ** 2 / 2 + (4 / 5) ** 2 / 4))


def test_what_does_not_vary_says_nothing() -> None:
    """Two samples without variance have no t, and the function raises an error."""
    with pytest.raises(ValueError, match="varies"):
        welch([1.0, 1.0], [1.0, 1.0])


def test_the_slowest_tenth_goes_by_one_bound_for_both() -> None:
    """The slowest 10 % of both samples together are removed from each, by one bound."""
    one, other = cropped([float(n) for n in range(10)], [float(n) for n in range(10, 20)])
    assert (one, other) == ([float(n) for n in range(10)], [float(n) for n in range(10, 18)])


def test_equal_classes_are_called_equal() -> None:
    """Over 300 pairs of equal samples, t has a standard deviation of about 1, and no pair is called different."""
    rng = random.Random(3)
    found = [welch(*cropped(times(rng, count=300), times(rng, count=300))) for _ in range(300)]
    assert statistics.stdev(one.t for one in found) == pytest.approx(1.0, abs=0.12)
    assert abs(statistics.fmean(one.t for one in found)) < 0.2
    assert not any(one.differs for one in found)


def test_a_small_difference_is_seen_under_much_noise() -> None:
    """A difference of 0.05 ms, a twentieth of the median, is found with 6,000 times in each sample."""
    rng = random.Random(4)
    found = welch(*cropped(times(rng, count=6_000), times(rng, count=6_000, more=0.05)))
    assert found.differs
    assert found.t > 0
    assert found.least_seen < 0.05


def compared(route: str, *, held: int, t: float, is_calibration: bool = False) -> Compared:
    found = Welch(t=t, standard_error=1.0, degrees=9_000.0)
    return Compared(route=route, held=held, is_calibration=is_calibration, n=(5_000, 5_000), medians_us=(1.0, 1.0), found=found)


def judged(*all_compared: Compared) -> int:
    return exit_code([verdict(one, held=(0, 0, 50, 1_000)) for one in all_compared])


def test_a_run_passes_only_where_the_control_is_seen() -> None:
    """The control is a service that filters as it reads.

    A run that finds no difference for the control cannot find a leak, so it fails.
    """
    calm = [compared("feed", held=0, t=0.7, is_calibration=True), compared("feed", held=1_000, t=-T_MAX + 0.1)]
    assert judged(*calm, compared("control", held=50, t=1.0), compared("control", held=1_000, t=17.0)) == 0
    assert judged(*calm, compared("control", held=50, t=1.0), compared("control", held=1_000, t=4.4)) == 2


def test_a_route_that_differs_fails_the_run() -> None:
    """A run fails if |t| of a route is 4.5 or more, in either direction. A run in which equal samples differ is invalid."""
    control = compared("control", held=1_000, t=17.0)
    assert judged(compared("note", held=1_000, t=T_MAX), control) == 1
    assert judged(compared("note", held=50, t=-9.0), control) == 1
    assert judged(compared("note", held=0, t=5.0, is_calibration=True), compared("note", held=50, t=9.0), control) == 2


def test_there_is_one_control() -> None:
    """Every run has one control: a service that filters as it reads."""
    assert [name for name, route in ROUTES.items() if route.is_control] == ["control"]
