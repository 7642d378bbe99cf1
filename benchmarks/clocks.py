"""How long does `vklocks clocks` take on a history of ten machines, and how much work are
tree clocks?

For each row, a new process computes clocks on a run that an earlier process has read before.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import vklocks
from analysis.clocks.walk import NOTHING, walk
from benchmarks.history import write
from vm.clocks import CLOCKS, clock_of, full_name
from vm.clocks.clock import At
from vm.clocks.exact.tree import Nodes, Tree, updates

EVENTS = 100_000
MANY_EVENTS = 1_000_000


def main() -> None:
    print("  events                clocks   wall time   CPU time   memory of a process")
    with TemporaryDirectory() as folder:
        _measure(Path(folder), EVENTS, ["all"])
        _measure(Path(folder), MANY_EVENTS, _flat())
    print("\ntree clocks: visited nodes for each entry of a vector that changes")
    for machines in (10, 50, 100):
        print(f"{machines:5} machines {_visits(machines):6.2f}")


def _flat() -> list[str]:
    """Return the clocks with one value as state, stamp and timestamp: a number or a list."""
    names = map(full_name, CLOCKS)
    return [
        name
        for name in names
        if clock_of(name).is_flat and clock_of(name).column in ("number", "list")
    ]


def _measure(folder: Path, events: int, clocks: Sequence[str]) -> None:
    directory = folder / str(events)
    directory.mkdir()
    write(directory, events)
    env = os.environ | {"XDG_CACHE_HOME": str(folder / "caches")}
    _clocks(directory, ["lamport"], env)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun_s = time.perf_counter()
    _clocks(directory, clocks, env)
    took_s = time.perf_counter() - begun_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    named = "all" if list(clocks) == ["all"] else f"{len(clocks)} flat ones"
    memory_gb = after.ru_maxrss / 1e6
    print(f"{events:9,} {named:>20} {took_s:9.1f} s {cpu_s:8.1f} s {memory_gb:7.1f} GB", flush=True)


def _clocks(directory: Path, clocks: Sequence[str], env: dict[str, str]) -> None:
    command = [sys.executable, "-m", "orchestrator", "clocks", str(directory)]
    done = subprocess.run(
        [*command, "--clocks", ",".join(clocks)], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def _visits(machines: int) -> float:
    """Return how many nodes are visited for each entry of a vector that changes.

    As in the paper, where a clock goes through that of a lock: a message is a copy into the clock
    of its channel, and a join from there; each event changes its own entry.
    """
    spec = vklocks.Spec(machines=machines, duration_s=60, seed=1)
    history = walk(vklocks.simulate(spec)._evaluation.run)
    clock, receivers = Tree(), history.receiver.tolist()
    states = [clock.initial(me, machines) for me in range(machines)]
    channels, stamps = dict[tuple[int, int], Nodes](), dict[int, Nodes]()
    visited = changed = 0
    for me, index, physical_ns, received, begin, end in zip(*history.steps()[0], strict=True):
        at = At(me, "", index, physical_ns)
        visited, changed = visited + 1, changed + 1
        if received == NOTHING:
            states[me] = clock.advance(states[me], at)
        else:
            found, nodes = _updates(stamps[received], states[me])
            visited, changed = visited + nodes, changed + found
            states[me] = clock.receive(states[me], stamps[received], stamps[received].root, at)
        for message in range(begin, end):
            channel = me, receivers[message]
            known = channels.get(channel) or clock.initial(me, machines)
            found, nodes = _updates(states[me], known)
            visited, changed = visited + nodes, changed + found
            stamps[message] = channels[channel] = states[me]
    return visited / changed


def _updates(tree: Nodes, known: Nodes) -> tuple[int, int]:
    """Return how many nodes of a tree are news, and how many the search visits."""
    if tree.clk[tree.root] <= known.clk[tree.root]:
        return 0, 1
    news, visited = updates(tree, known.clk)
    return len(news), visited


if __name__ == "__main__":
    main()
