import pytest

from orchestrator.backends.outcome import RunOutcome, problem_of
from vm.faults import Crash
from vm.files import MachineOutcome
from vm.spec import Spec


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        (MachineOutcome("finished", 0), ""),
        (MachineOutcome("terminated", 0), "vm2 was stopped before its end"),
        (MachineOutcome("killed", 137), "vm2 was killed (exit code 137)"),
        (MachineOutcome("killed", 137, out_of_memory=True), "vm2 was killed because it ran out of"),
        (MachineOutcome("failed", 3), "vm2 failed with exit code 3"),
        (MachineOutcome("failed", None), "vm2 never ran"),
    ],
)
def test_a_machine_that_did_not_finish_is_named_with_the_reason(
    ended: MachineOutcome, says: str
) -> None:
    problem = problem_of(Spec(), {"vm1": MachineOutcome("finished", 0), "vm2": ended}, [], str, {})
    assert problem.startswith(says)
    assert bool(problem) == bool(says)


def test_everything_that_went_wrong_is_listed() -> None:
    failed = MachineOutcome("failed", 1)
    problem = problem_of(Spec(), {"vm1": failed, "vm2": failed}, [], lambda name: f"{name}!", {})
    assert problem.count("failed with exit code 1") == 2
    assert problem.endswith("last output of vm1: vm1!; last output of vm2: vm2!")


def test_a_machine_that_had_to_be_stopped_is_late() -> None:
    finished = {"vm1": MachineOutcome("finished", 0)}
    assert problem_of(Spec(), finished, ["vm1"], str, {}) == "vm1 did not end in time"


def test_what_others_did_explains_a_run_and_comes_first() -> None:
    failed, killed = MachineOutcome("failed", 3), MachineOutcome("killed", 137)
    ended = {"vm1": failed, "vm2": killed, "vm3": MachineOutcome("finished", 0)}
    disturbed = {"vm2": "its container was removed", "vm3": "vm3.out is missing"}
    assert problem_of(Spec(), ended, [], lambda name: "", disturbed) == (
        "vm2: its container was removed; vm3: vm3.out is missing; vm1 failed with exit code 3;"
        " vm2 was killed (exit code 137)"
    )


def test_a_crash_that_the_spec_wants_is_none_and_its_absence_is_one() -> None:
    spec = Spec(faults=(Crash(at_ns=1, machine="vm1"),))
    assert problem_of(spec, {"vm1": MachineOutcome("killed", 137)}, [], str, {}) == ""
    finished = {"vm1": MachineOutcome("finished", 0)}
    assert problem_of(spec, finished, [], str, {}) == "vm1 ended before it could crash"


def test_a_phase_is_reported_and_measured_even_if_it_fails() -> None:
    outcome, reported = RunOutcome(), []
    with outcome.phase("create", reported.append):
        pass
    with pytest.raises(ZeroDivisionError), outcome.phase("start", reported.append):
        raise ZeroDivisionError
    assert reported == ["create", "start"]
    assert list(outcome.phases_s) == ["create", "start"]
    assert all(seconds >= 0 for seconds in outcome.phases_s.values())
