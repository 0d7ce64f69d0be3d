"""Decides by Welch's t-test whether two classes of times differ. The slowest tenth of the times is left out. Measures nothing.

Both classes are cut at one bound, the 90th percentile of all their times. If each class had a bound of its own, these bounds
would add a random error that the standard error does not include. Then t would be too large.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec

T_MAX = 4.5
"""The bound of t. Beyond it two classes count as different. By chance, one pair of equal classes in 150,000 is beyond it."""
CROPPED = 0.1


class Welch(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the test on two samples."""

    t: float
    """Welch's t. It is positive if the values of the second sample are larger."""
    standard_error: float
    """The standard error of the difference of the means, in the unit of the samples."""
    degrees: float
    """The degrees of freedom, after Welch and Satterthwaite."""

    @property
    def differs(self) -> bool:
        return not abs(self.t) < T_MAX

    @property
    def least_seen(self) -> float:
        """The smallest difference of the means at which two samples with this standard error count as different."""
        return T_MAX * self.standard_error


def cropped(one: Sequence[float], other: Sequence[float], *, share: float = CROPPED) -> tuple[list[float], list[float]]:
    """Returns both samples without the largest values. `share`: the share of all values that is left out."""
    values = sorted([*one, *other])
    bound = values[max(0, math.ceil(len(values) * (1 - share)) - 1)]
    return [value for value in one if value <= bound], [value for value in other if value <= bound]


def welch(one: Sequence[float], other: Sequence[float]) -> Welch:
    """Applies Welch's t-test to two samples, of unequal variances and sizes.

    Raises:
        statistics.StatisticsError: a sample has fewer than two values.
        ValueError: the values of each sample are all equal, so t is undefined.
    """
    of_one, of_other = statistics.variance(one) / len(one), statistics.variance(other) / len(other)
    if of_one + of_other == 0:
        raise ValueError("neither sample varies")
    standard_error = math.sqrt(of_one + of_other)
    return Welch(
        t=(statistics.fmean(other) - statistics.fmean(one)) / standard_error,
        standard_error=standard_error,
        degrees=(of_one + of_other) ** 2 / (of_one**2 / (len(one) - 1) + of_other**2 / (len(other) - 1)),
    )
