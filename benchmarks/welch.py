"""Whether two classes of times differ: Welch's t of what is left without the slowest tenth. Measures nothing.

The tenth is cut off at one bound for both classes, the 90th percentile of all their times together. Were each class cut at its
own, the bound would be a random number of that class, of which the standard error knows nothing: t comes out too large.
"""

import math
import statistics
from collections.abc import Sequence

import msgspec

T_MAX = 4.5
"""Beyond this two classes differ. One pair of alike classes in 150,000 does so by chance."""
CROPPED = 0.1


class Welch(msgspec.Struct, frozen=True, kw_only=True):
    """What the test says of two samples."""

    t: float
    """Positive where the second is slower."""
    standard_error: float
    """Of the difference of the means, in the unit of the samples."""
    degrees: float
    """Of freedom, after Welch and Satterthwaite."""

    @property
    def differs(self) -> bool:
        return not abs(self.t) < T_MAX

    @property
    def least_seen(self) -> float:
        """The difference of the means from which on this test would call such samples different."""
        return T_MAX * self.standard_error


def cropped(one: Sequence[float], other: Sequence[float], *, share: float = CROPPED) -> tuple[list[float], list[float]]:
    """Both samples without what is among the largest `share` of all their values together."""
    values = sorted([*one, *other])
    bound = values[max(0, math.ceil(len(values) * (1 - share)) - 1)]
    return [value for value in one if value <= bound], [value for value in other if value <= bound]


def welch(one: Sequence[float], other: Sequence[float]) -> Welch:
    """Welch's t-test of two samples, of unequal variances and sizes.

    Raises:
        statistics.StatisticsError: a sample has fewer than two values.
        ValueError: nothing varies, so that nothing can be said.
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
