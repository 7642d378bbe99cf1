"""What a machine is told is what its spec says."""

from pathlib import Path

from hypothesis import given

from orchestrator.backends.machine_command import arguments
from specs import specs
from vm.__main__ import read_settings
from vm.spec import Spec


@given(spec=specs())
def test_a_machine_reads_its_spec_from_its_arguments(spec: Spec) -> None:
    name = spec.machines[-1]
    peers = {peer: f"{peer}:50051" for peer in spec.machines if peer != name}
    settings = read_settings(arguments(spec, name, "run", 50051, peers, Path("logs"), 9))
    told = settings.spec
    assert told.tick_rate_hz(name) == spec.tick_rate_hz(name)
    for field in ("machines", "duration_s", "ticks", "workload", "clocks", "seed"):
        assert getattr(told, field) == getattr(spec, field)
    assert (told.latency, told.fifo, told.faults) == (spec.latency, spec.fifo, spec.faults)
    assert (settings.name, settings.run, settings.port) == (name, "run", 50051)
    assert (settings.log, settings.startup_s, settings.peers) == (Path("logs"), 9, peers)
