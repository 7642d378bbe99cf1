"""The command line of one machine: the arguments of `python -m vm`."""

import json
from collections.abc import Mapping
from pathlib import PurePath

from vm.spec import Spec


def arguments(
    spec: Spec,
    machine: str,
    run: str,
    port: int,
    peers: Mapping[str, str],
    log: PurePath,
    startup_s: float,
) -> list[str]:
    """Return the arguments of one machine of a run; `peers` maps its peers to addresses."""
    options = {
        "--port": port,
        "--peers": ",".join(f"{peer}={address}" for peer, address in peers.items()),
        "--spec": json.dumps(spec.resolved().plain()),
        "--run": run,
        "--log": log,
        "--startup": startup_s,
    }
    return [machine, *(str(word) for option in options.items() for word in option)]
