"""Student's t distribution, for confidence intervals of means."""

from math import atan, cos, exp, lgamma, log, log1p, pi, sin, sqrt
from statistics import NormalDist

#: A step that is smaller, as a share of the quantile, ends the search for it.
EXACT = 1e-12


def t_quantile(p: float, freedom: int) -> float:
    """Return the t that a value exceeds with probability 1 - p, for p above one half.

    Newton's method; it begins at the normal quantile, which is less. The distribution function is
    concave to the right of 0, so each step stays below the quantile.
    """
    assert 0.5 < p < 1
    assert freedom >= 1
    t = NormalDist().inv_cdf(p)
    while (step := (2 * p - 1 - _within(t, freedom)) / (2 * _density(t, freedom))) > EXACT * t:
        t += step
    return t


def _within(t: float, freedom: int) -> float:
    """Return the probability of a value between -t and t.

    A finite sum, as the degrees of freedom are whole (Abramowitz and Stegun, Handbook of
    Mathematical Functions, 26.7.3 and 26.7.4).
    """
    angle = atan(t / sqrt(freedom))
    is_odd = freedom % 2
    term = cos(angle) if is_odd else 1.0
    terms = 0.0
    for n in range(1 + is_odd, freedom, 2):
        terms += term
        term *= cos(angle) ** 2 * n / (n + 1)
    return 2 / pi * (angle + sin(angle) * terms) if is_odd else sin(angle) * terms


def _density(t: float, freedom: int) -> float:
    scale = lgamma((freedom + 1) / 2) - lgamma(freedom / 2) - log(pi * freedom) / 2
    return exp(scale - (freedom + 1) / 2 * log1p(t * t / freedom))
