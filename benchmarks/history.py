"""A fast generator of valid histories of any size: ten machines, the lab's workload, both clocks.

The rules are those of `vm.machine`; the loop is compiled, as the simulation would take minutes
for ten million events.
"""

from pathlib import Path

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from vm.log import encode
from vm.records import Start, Stop, Unread
from vm.schedule import SECOND_NS
from vm.spec import Spec

MACHINES = 10
TICK_RATE_HZ = 1000
LATENCY_NS = 350_000
INTERNAL, SEND, RECEIVE = 0, 1, 2
KINDS = ("internal", "send", "receive")
#: The receiver of a multicast.
ALL = -1


def write(directory: Path, events: int) -> None:
    """Write the logs of a run with `events` events, the same number per machine."""
    ticks = events // MACHINES
    spec = Spec.parse(
        {
            "machines": MACHINES,
            "ticks": [TICK_RATE_HZ, TICK_RATE_HZ],
            "duration_s": ticks / TICK_RATE_HZ,
            "clocks": ["lamport", "vector"],
            "seed": 1,
        }
    )
    phases_ns = np.array([spec.schedule(machine).phase_ns for machine in spec.machines])
    columns, unread = history(phases_ns, ticks, 1)
    for m, machine in enumerate(spec.machines):
        rows = slice(m * ticks, (m + 1) * ticks)
        start = Start(machine, "benchmark", 1_700_000_000 * SECOND_NS, spec.resolved())
        inbox = tuple(
            Unread(spec.machines[row // ticks], row % ticks, arrived_ns)
            for row, arrived_ns in unread[m].tolist()
        )
        stop = Stop("finished", ticks, 0, 0, inbox, ())
        part = {name: column[rows] for name, column in columns.items()}
        text = _lines(spec, m, ticks, part)
        with (directory / f"{machine}.jsonl").open("wb") as log:
            log.write(f"{encode(start)}\n".encode())
            text.to_frame("line").write_csv(log, include_header=False, quote_style="never")
            log.write(f"{encode(stop)}\n".encode())


def history(
    phases_ns: NDArray[np.int64], ticks: int, seed: int
) -> tuple[dict[str, NDArray[np.int64]], list[NDArray[np.int64]]]:
    """Return the columns of all events, and the messages left in each inbox: send row, arrival."""
    events, machines = ticks * len(phases_ns), len(phases_ns)
    columns = {
        name: np.zeros(events, np.int64)
        for name in ("kind", "at_ns", "queue", "to", "send", "arrived_ns", "lamport")
    }
    columns["vector"] = np.zeros((events, machines), np.int64)
    waiting, first, last = _walk(phases_ns, ticks, seed, *columns.values())
    return columns, [waiting[m, first[m] : last[m]] for m in range(machines)]


# Numba infers the types from the arguments.
@njit(cache=True)
def _walk(phases_ns, ticks, seed, kind, at_ns, queue, to, send, arrived_ns, lamport, vector):  # type: ignore[no-untyped-def]
    np.random.seed(seed)
    machines = len(phases_ns)
    period_ns = SECOND_NS // TICK_RATE_HZ
    order = np.argsort(phases_ns)
    # Messages on their way to a machine or in its inbox, in order of arrival.
    waiting = np.zeros((machines, ticks * 2, 2), np.int64)
    first, last = np.zeros(machines, np.int64), np.zeros(machines, np.int64)
    for tick in range(ticks):
        for m in order:
            row, now_ns = m * ticks + tick, phases_ns[m] + tick * period_ns
            at_ns[row] = now_ns
            if tick:
                lamport[row] = lamport[row - 1]
                vector[row] = vector[row - 1]
            arrived = first[m] < last[m] and waiting[m, first[m], 1] <= now_ns
            if arrived:
                kind[row] = RECEIVE
                cause = waiting[m, first[m], 0]
                send[row], arrived_ns[row] = cause, waiting[m, first[m], 1]
                first[m] += 1
                lamport[row] = max(lamport[row], lamport[cause])
                for q in range(machines):
                    vector[row, q] = max(vector[row, q], vector[cause, q])
                there = first[m]
                while there < last[m] and waiting[m, there, 1] <= now_ns:
                    there += 1
                queue[row] = there - first[m]
            lamport[row] += 1
            vector[row, m] += 1
            roll = np.random.random() * 10
            if arrived or roll >= 3:
                continue
            kind[row], to[row] = SEND, ALL
            if roll < 2:
                to[row] = (m + 1 + int(np.random.random() * (machines - 1))) % machines
            for q in range(machines):
                if q != m and (to[row] == ALL or to[row] == q):
                    waiting[q, last[q], 0], waiting[q, last[q], 1] = row, now_ns + LATENCY_NS
                    last[q] += 1
    return waiting, first, last


def _lines(spec: Spec, m: int, ticks: int, part: dict[str, NDArray[np.int64]]) -> pl.Series:
    """Return the events of one machine as lines of its log."""
    peers = ",".join(f'"{peer}"' for peer in spec.machines if peer != spec.machines[m])
    names = pl.Series([f'"{name}"' for name in spec.machines])
    frame = pl.DataFrame(
        {
            "index": np.arange(ticks),
            "kind": pl.Series(KINDS).gather(part["kind"]),
            "to": names.gather(np.maximum(part["to"], 0)),
            "all": part["to"] == ALL,
            "from": names.gather(part["send"] // ticks),
            "cause": part["send"] % ticks,
            "vector": pl.Series(part["vector"], dtype=pl.Array(pl.Int64, MACHINES)),
            **{name: part[name] for name in ("at_ns", "queue", "arrived_ns", "lamport")},
        }
    )
    vector = pl.col("vector").arr.to_list().cast(pl.List(pl.String)).list.join(",")
    to = pl.when("all").then(pl.lit(peers)).otherwise("to")
    send = pl.concat_str(pl.lit(',"to":['), to, pl.lit("]"))
    receive = _fields(**{name: pl.col(name) for name in ("from", "cause", "arrived_ns")})
    kind = pl.col("kind")
    fields = pl.when(kind == "send").then(send).when(kind == "receive").then(receive)
    line = pl.concat_str(
        pl.lit('{"kind":"'), kind, pl.lit('"'),
        _fields(index=pl.col("index"), tick=pl.col("index"), due_ns=pl.col("at_ns")),
        _fields(at_ns=pl.col("at_ns"), queue=pl.col("queue")),
        pl.lit(',"clock":{"lamport":'), pl.col("lamport"), pl.lit(',"vector":['), vector,
        pl.lit("]}"), fields.otherwise(pl.lit("")), pl.lit("}"),
    )  # fmt: skip
    return frame.select(line).to_series()


def _fields(**columns: pl.Expr) -> pl.Expr:
    parts = [part for name, column in columns.items() for part in (pl.lit(f',"{name}":'), column)]
    return pl.concat_str(parts)
