"""What to expect of a run: the fluid model, in which messages flow steadily like water.

Machine j ticks r_j times a second and uses x_j of these ticks for the workload, because they
find its inbox empty. Each such idle tick of i brings j a_ij messages on average, so messages
arrive at the rate λ_j = Σ_i a_ij x_i, and as each of them takes up one tick,

    x_j = max(0, r_j − λ_j)    and the inbox grows by    w_j = max(0, λ_j − r_j)

messages a second: a linear complementarity problem, x ≥ 0, w = x + Aᵀx − r ≥ 0, x·w = 0. A
machine with λ_j > r_j is saturated: it does nothing but receive, and never catches up.

A workload draws its peers uniformly, so a_ij is one number a for all i ≠ j, and a_ii = 0. With
the total of idle ticks S = Σ_i x_i, machine j then gets λ_j = a (S − x_j), which leaves one
unknown: (1 − a) x_j = max(0, r_j − a S), like a vessel with a step for every machine, filled to
the level a S, in which the machines below the level are the saturated ones. S is the root of the
convex, decreasing, piecewise linear g(S) = Σ_j max(0, r_j − a S) − (1 − a) S. Newton's iteration
from below finds it: a step takes the machines above the present level to be the ones that are
not saturated, and solves what is then linear, S = Σ r_j / (1 + (k − 1) a) over these k machines.
A tangent of a convex function lies below it, so no step goes beyond the root: nobody who fell
below a level comes up again, and it ends, exactly, after at most as many steps as there are
machines. Rates and weights are whole numbers and the arithmetic is in fractions, so which side
of its limit a machine is on is decided without rounding.

For any a < 1 the solution is the only one (I + Aᵀ is positive definite, its eigenvalues are
1 − a and 1 + (n − 1) a). a = 1 means that each idle tick sends to everybody: then S, all λ_j + x_j
and w_j are still unique (only the fastest machines have idle ticks, S = max r), but not who of
several equally fast ones has them: in a run, that is up to the phases. They get equal shares
here, which is the mean over all phases, and the limit of a → 1.

With three machines and the assignment's workload a = 1/5, so the slowest one saturates when
r < (1/5) Σ other rates / (1 + 1/5): when its rate falls below a seventh of the sum of all three.

What it assumes: tick rates that are kept (no missed ticks), the base workload, no faults, and a
run long enough for its two ends to matter little: at first all inboxes are empty, so a machine
that is going to drown still has idle ticks, and at the end every inbox holds something. Both are
of the order of one over the duration; apart from them the flows of a run are on average as they
are here, whatever the network's delay, as they follow from counting. What it cannot say: anything
about fluctuations. A queue that does not grow here still has a length, the longer the closer its
machine is to saturation, where it wanders like the root of the time. Nor can it say how the
clocks behave: which stamps arrive decides how far a clock jumps, so a clock's own rate needs the
distribution of the stamps, and not only their number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from vm.workloads import Workload


@dataclass(frozen=True)
class Flow:
    """What one machine does in the fluid model, per second of wall time.

    `sends_per_s` counts send events: a send to all is one; `utilisation` is the share of the
    ticks that receive. The inbox of a saturated machine grows.
    """

    receives_per_s: float
    sends_per_s: float
    utilisation: float
    queue_growth_per_s: float


def expected_messages(workload: Workload, machines: int) -> Fraction:
    """How many messages one idle tick of a machine sends to each of the others, on average."""
    peers = machines - 1
    if peers == 0:
        return Fraction(0)
    return Fraction(workload.one + workload.all * peers, _weights(workload) * peers)


def predict(rates_hz: Mapping[str, int], workload: Workload) -> dict[str, Flow]:
    """The flow of every machine; `rates_hz` are the tick rates of all machines of the run."""
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
    """Idle ticks and queue growth of every machine: the problem's x and w."""
    level = _level(rates, a)
    if a < 1:
        idle = [max(Fraction(0), (rate - level) / (1 - a)) for rate in rates]
    else:
        idle = [Fraction(rate == level) * level / rates.count(max(rates)) for rate in rates]
    return idle, [max(Fraction(0), level - rate) for rate in rates]


def _level(rates: Sequence[int], a: Fraction) -> Fraction:
    """a S: the rate below which a machine is saturated."""
    above = list(rates)
    while True:
        level = a * sum(above) / (1 + (len(above) - 1) * a)
        still = [rate for rate in above if rate >= level]
        if len(still) == len(above):
            return level
        above = still


def _weights(workload: Workload) -> int:
    return workload.one + workload.all + workload.internal
