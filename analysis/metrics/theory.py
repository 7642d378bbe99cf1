"""The fluid model of a run, in which messages flow steadily like water.

Machine j ticks r_j times per second. At x_j of these ticks its inbox is empty, so it does the
workload. Each such idle tick of machine i sends a_ij messages to machine j on average, so messages
arrive at the rate λ_j = Σ_i a_ij x_i, and as each of them takes up one tick,

    x_j = max(0, r_j − λ_j)    and the inbox grows by    w_j = max(0, λ_j − r_j)

messages per second: a linear complementarity problem, x ≥ 0, w = x + Aᵀx − r ≥ 0, x·w = 0. A
machine with λ_j > r_j is saturated: it does nothing but receive, and never catches up.

A workload draws its peers uniformly, so a_ij is one number a for all i ≠ j, and a_ii = 0. With
the total of idle ticks S = Σ_i x_i, machine j then gets λ_j = a (S − x_j), which leaves one
unknown: (1 − a) x_j = max(0, r_j − a S). Think of a vessel with a step for every machine, filled
to the level a S: the machines below the level are saturated. S is the root of the convex,
decreasing, piecewise linear g(S) = Σ_j max(0, r_j − a S) − (1 − a) S. Newton's iteration from
below finds it: each step assumes that exactly the k machines above the present level are not
saturated, and solves the then linear equation, S = Σ r_j / (1 + (k − 1) a) over these k machines.
A tangent of a convex function lies below it, so no step goes beyond the root: a machine that fell
below the level never rises above it again, and the iteration ends, with the exact root, after at
most as many steps as there are machines. Rates and weights are whole numbers and the arithmetic
is in fractions, so rounding never decides whether a machine is saturated.

For any a < 1 the solution is the only one (I + Aᵀ is positive definite, its eigenvalues are
1 − a and 1 + (n − 1) a). a = 1 means that each idle tick sends to all other machines: then S, all
λ_j + x_j and w_j are still unique (only the fastest machines have idle ticks, S = max r), but not
the shares of idle ticks of several equally fast machines: in a run, they depend on the phases.
Here the shares are equal, which is the mean over all phases, and the limit of a → 1.

With three machines and the assignment's workload a = 1/5, so the slowest one saturates when
r < (1/5) Σ other rates / (1 + 1/5): when its rate falls below a seventh of the sum of all three.

Assumptions: no missed ticks, the base workload, no faults, and a run long enough for its two ends
to matter little: at first all inboxes are empty, so a machine that will saturate still has idle
ticks, and at the end every inbox holds messages. Both effects are of the order of one over the
duration. Apart from them, a run has these mean flows for any network delay, as they follow from
counting.

Limits: the model has no fluctuations. A queue that does not grow here still has a length, the
longer the closer its machine is to saturation, where it wanders like the square root of the time.
Nor does the model predict clocks: the jump of a clock depends on the stamps that arrive, so its
rate needs the distribution of the stamps, not only their number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from vm.workloads import Workload


@dataclass(frozen=True)
class Flow:
    """The flows of one machine in the fluid model, per second of wall time.

    `sends_per_s` counts send events: a send to all is one; `utilisation` is the share of the
    ticks that receive. The inbox of a saturated machine grows.
    """

    receives_per_s: float
    sends_per_s: float
    utilisation: float
    queue_growth_per_s: float


def expected_messages(workload: Workload, machines: int) -> Fraction:
    """Return the mean number of messages that one idle tick sends to each other machine."""
    peers = machines - 1
    if peers == 0:
        return Fraction(0)
    return Fraction(workload.one + workload.all * peers, _weights(workload) * peers)


def predict(rates_hz: Mapping[str, int], workload: Workload) -> dict[str, Flow]:
    """Return the flow of every machine; `rates_hz` are the tick rates of all of them."""
    alone = len(rates_hz) == 1
    sends = Fraction(0 if alone else workload.one + workload.all, _weights(workload))
    messages = expected_messages(workload, len(rates_hz))
    idle, growth = _balance(list(rates_hz.values()), messages)
    return {
        machine: Flow(
            receives_per_s=float(rate - x),
            sends_per_s=float(sends * x),
            utilisation=float((rate - x) / rate),
            queue_growth_per_s=float(w),
        )
        for (machine, rate), x, w in zip(rates_hz.items(), idle, growth, strict=True)
    }


def _balance(rates: Sequence[int], a: Fraction) -> tuple[list[Fraction], list[Fraction]]:
    """Return idle ticks and queue growth of every machine: x and w of the problem."""
    level = _level(rates, a)
    if a < 1:
        idle = [max(Fraction(0), (rate - level) / (1 - a)) for rate in rates]
    else:
        idle = [Fraction(rate == level) * level / rates.count(max(rates)) for rate in rates]
    return idle, [max(Fraction(0), level - rate) for rate in rates]


def _level(rates: Sequence[int], a: Fraction) -> Fraction:
    """Return a S, the rate below which a machine is saturated."""
    above = list(rates)
    while True:
        level = a * sum(above) / (1 + (len(above) - 1) * a)
        still = [rate for rate in above if rate >= level]
        if len(still) == len(above):
            return level
        above = still


def _weights(workload: Workload) -> int:
    return workload.one + workload.all + workload.internal
