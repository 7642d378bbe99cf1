"""Runs in virtual time: pure computation, which a pool distributes over workers.

A worker leaves complete runs only, so it may end at any instant: when the sweep is interrupted,
when its parent process ends, or when its computer does.
"""

from collections.abc import Callable, Generator
from contextlib import closing

from orchestrator.backends.outcome import EnvironmentProblem, disk_problem
from orchestrator.runner.execution import Batch, ExecutedRun
from orchestrator.runner.interrupt import Interrupt, end, on_interrupt
from orchestrator.runner.pools import dask, loky, ray
from orchestrator.runner.pools.sweep import Sweep
from orchestrator.runner.progress import Display


def execute(sweep: Sweep, pool: str, shown: Display) -> Batch:
    """Execute all runs of a sweep, unless interrupted. `pool` is a key of POOLS."""
    batch = Batch()
    with on_interrupt(end):
        try:
            # A pool ends its work if it is closed early.
            with closing(POOLS[pool](sweep)) as results:
                for executed in results:
                    batch.runs.append(executed)
                    shown.done(executed.name, executed.trouble)
        except Interrupt as error:
            batch.interrupted = error.number
        except EnvironmentProblem as error:
            batch.problems.append(str(error))
        except OSError as error:
            batch.problems.append(disk_problem(error))
    return batch


#: The pools by the names that `--pool` takes. Each executes a sweep and yields its runs in the
#: order of completion; EnvironmentProblem if it lacks something.
POOLS: dict[str, Callable[[Sweep], Generator[ExecutedRun]]] = {
    "loky": loky.execute,
    "dask": dask.execute,
    "ray": ray.execute,
}
#: The pools whose workers are those of a cluster, which others have started.
CLUSTERS = ("dask", "ray")
