"""The analysis is imported while runs last: it gives way, but no longer than they last."""

import os
import threading
import time

import pytest

from orchestrator.cli import analyse, report
from orchestrator.cli.execution.loading import Reports, analysis_loading

LIMIT_S = 10


class NoDisplay:
    def phase(self, run: str, phase: str) -> None:
        pass

    def done(self, run: str, problem: str) -> None:
        pass


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="a policy of Linux")
def test_loading_gives_way_until_the_runs_end(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, policies = threading.Event(), list[int]()

    def prepare(_runs: int) -> None:
        policies.append(os.sched_getscheduler(0))
        begun.set()
        deadline_s = time.monotonic() + LIMIT_S
        while os.sched_getscheduler(0) == os.SCHED_BATCH and time.monotonic() < deadline_s:
            os.sched_yield()
        policies.append(os.sched_getscheduler(0))

    monkeypatch.setattr(analyse, "prepare", prepare)
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    with analysis_loading(NoDisplay(), Reports(1, verbose=False), jobs=1, after_s=0) as starting:
        starting.phase("run", "run")
        assert begun.wait(LIMIT_S)
    assert policies == [os.SCHED_BATCH, os.SCHED_OTHER]
    assert os.getpriority(os.PRIO_PROCESS, 0) == niceness


def test_nothing_is_loaded_for_interrupted_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(analyse, "prepare", lambda runs: loaded.append("analysis"))
    with analysis_loading(
        NoDisplay(), Reports(1, verbose=False), jobs=1, after_s=LIMIT_S
    ) as starting:
        starting.phase("run", "run")
        starting.is_needless = True
    for thread in threading.enumerate():
        if thread.name == "loading the analysis":
            thread.join()
    assert not loaded


def test_renderers_are_started_only_for_runs_that_get_charts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[str] = []
    monkeypatch.setattr(report, "renderers", lambda: started.append("renderers"))
    report.prepare(report.MAX_CHARTS + 1)
    assert not started
    report.prepare(report.MAX_CHARTS)
    assert started
