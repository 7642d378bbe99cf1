"""What do more machines cost? One run of 60 s in virtual time for each number of machines.

Processor time of one process: the time of a laden computer would say little.
"""

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from analysis.evaluation import evaluate
from analysis.logs.finding import load
from analysis.report import run as report
from orchestrator.backends.simulation import write
from orchestrator.virtual.simulation import simulate
from vm.files import logs_in
from vm.records import Event
from vm.spec import Spec

MACHINES = (10, 50, 100, 200)
CLOCKS = (("lamport",), ("lamport", "vector"))


def main() -> None:
    print("machines clocks events receives log_mb page_mb simulate_s write_s check_s page_s")
    for machines in MACHINES:
        for clocks in CLOCKS:
            print(machines, ",".join(clocks), *_costs(machines, clocks), flush=True)


def _costs(machines: int, clocks: tuple[str, ...]) -> list[str]:
    spec = Spec.parse({"machines": machines, "clocks": list(clocks), "seed": 1})
    times_s = [process_time()]
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        history = simulate(spec, directory.name)
        times_s.append(process_time())
        write(history, directory)
        times_s.append(process_time())
        evaluation = evaluate(load(directory))
        times_s.append(process_time())
        page = report.write(evaluation, directory)
        times_s.append(process_time())
        logs = sum(path.stat().st_size for path in logs_in(directory))
        sizes_mb = [logs / 1e6, page.stat().st_size / 1e6]
    records = [record for log in history.values() for record in log]
    events = [record for record in records if isinstance(record, Event)]
    receives = sum(event.kind == "receive" for event in events)
    spent_s = [after - before for before, after in pairwise(times_s)]
    return [f"{len(events)}", f"{receives}", *(f"{value:.1f}" for value in (*sizes_mb, *spent_s))]
