"""A machine is given its whole spec."""

from pathlib import Path

from hypothesis import given

from orchestrator.backends.machine_command import arguments
from specs import specs
from vm.host.arguments import read_settings
from vm.spec import Spec


@given(spec=specs())
def test_a_machine_reads_its_spec_from_its_arguments(spec: Spec) -> None:
    name = spec.machines[-1]
    peers = {peer: f"{peer}:50051" for peer in spec.machines if peer != name}
    settings = read_settings(arguments(spec, name, "run", 50051, peers, Path("logs"), 9))
    assert settings.spec == spec.resolved()
    assert (settings.name, settings.run, settings.port) == (name, "run", 50051)
    assert (settings.log, settings.startup_s, settings.peers) == (Path("logs"), 9, peers)
