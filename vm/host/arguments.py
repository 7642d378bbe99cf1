"""The command line of one machine.

`--spec` holds the whole spec as one JSON value, as the orchestrator gives it; the other options
of fields are conveniences over it, for a machine run by hand.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vm.host.settings import ALL_ADDRESSES, Settings
from vm.options import Parser, UsageError, add_options, flag_of, given_fields, read_flag, read_words
from vm.spec import NAME, Spec, SpecError, natural_order

MAX_PORT = 65535
#: Fields of the spec that have an option; the machines follow from the peers.
FIELDS = ("duration_s", "ticks", "workload", "clocks", "seed")


def read_settings(arguments: Sequence[str] | None) -> Settings:
    """Return the settings that a command line gives; UsageError names a wrong argument."""
    given = _parser().parse_args(arguments)
    port = given.port_option or given.port
    if port is None or not 1 <= port <= MAX_PORT:
        raise UsageError(f"--port: a port from 1 to {MAX_PORT} is needed")
    peers, addresses = _peers(given.peers_option or given.peers)
    for name in (given.name, *peers):
        if not NAME.fullmatch(name):
            raise UsageError(f"{name!r} is not a machine's name: letters, digits and _ . - only")
    if given.name in peers:
        raise UsageError(f"--peers: {given.name} is this machine itself; name only the others")
    if given.recover and addresses:
        raise UsageError(f"--peers: {addresses[0]} needs a name with --recover: NAME=HOST:PORT")
    names = sorted((given.name, *peers), key=natural_order)
    options = _fields_of_options(given)
    plain: dict[str, Any] = {"machines": names} | given.spec | options
    if plain["machines"] != names:
        raise UsageError(f"--spec: machines: they are not NAME and --peers, {', '.join(names)}")
    return Settings(
        name=given.name,
        port=port,
        run=given.run,
        log=given.log,
        spec=_spec(plain, options),
        seed=plain.get("seed"),
        peers=peers,
        addresses=addresses,
        startup_s=given.startup,
        listen=given.listen,
        partitions=given.partitions,
        recover=given.recover,
        tethered=given.tether,
    )


def _fields_of_options(given: argparse.Namespace) -> dict[str, Any]:
    """Return the plain values of the fields that options give."""
    plain = given_fields(given, FIELDS)
    if given.min_ticks is not None or given.max_ticks is not None:
        low, high = plain.get("ticks", given.spec.get("ticks", Spec().ticks))
        plain["ticks"] = (given.min_ticks or low, given.max_ticks or high)
    if given.tight:
        plain["workload"] = "tight"
    if given.tick_rate is not None:
        plain["tick_rates_hz"] = {given.name: given.tick_rate}
    return plain


def _spec(plain: dict[str, Any], options: dict[str, Any]) -> Spec:
    try:
        return Spec.parse(plain)
    except SpecError as error:
        field = error.field.partition(".")[0]
        flag = "--tick-rate" if field == "tick_rates_hz" else flag_of(field)
        option = flag if field in options else f"--spec: {error.field}"
        raise UsageError(f"{option}: {error.problem}") from None


def _parser() -> Parser:
    parser = Parser(prog="python -m vm", description="Run one machine.", allow_abbrev=False)
    add = parser.add_argument
    add("name", metavar="NAME", help="this machine's name")
    add("port", metavar="PORT", nargs="?", type=int, help="same as --port")
    add("peers", metavar="PEERS", nargs="?", default="", help="same as --peers")
    add("--port", dest="port_option", metavar="PORT", type=int, help="the port to listen on")
    text = "the other machines; an address without a name is asked for its name"
    add("--peers", dest="peers_option", metavar="NAME=HOST:PORT,…", help=text)
    _add_spec(parser)
    text = "only machines of one run talk (default: by-hand)"
    add("--run", metavar="NAME", default="by-hand", help=text)
    text = "folder of NAME.jsonl and NAME.out (default: runs/by-hand)"
    add("--log", metavar="DIR", type=Path, default=Path("runs/by-hand"), help=text)
    text = "how long to wait for the peers (default: 30)"
    add("--startup", metavar="S", type=float, default=30, help=text)
    text = "let channels hold messages back during partitions, where the network is not cut"
    add("--partitions", action="store_true", help=text)
    text = "continue from the log, if it is of this run: for a machine that was killed"
    add("--recover", action="store_true", help=text)
    text = "address to listen on (default: all)"
    add("--listen", metavar="ADDRESS", default=ALL_ADDRESSES, help=text)
    add("--tether", action="store_true", help="end when standard input does")
    return parser


def _add_spec(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    text = "the spec, whole or in part, as an object of its fields"
    add("--spec", metavar="JSON", type=_read_spec, default={}, help=text)
    add_options(parser, FIELDS)
    add("--min-ticks", metavar="MIN", type=int, help="the MIN of --ticks")
    add("--max-ticks", metavar="MAX", type=int, help="the MAX of --ticks")
    text = "this machine's ticks per second (default: drawn from --ticks)"
    add("--tick-rate", metavar="HZ", type=int, help=text)
    text = "same as --workload tight"
    add("--tight", metavar="1|0", nargs="?", const=True, type=read_flag, help=text)


def _read_spec(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not an object of fields")
    return fields


def _peers(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the addresses of the peers by name, and those of peers without a name."""
    peers: dict[str, str] = {}
    addresses: list[str] = []
    for part in read_words(text):
        name, named, address = part.rpartition("=")
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or not 1 <= int(port) <= MAX_PORT:
            raise UsageError(f"--peers: {part!r} is neither NAME=HOST:PORT nor HOST:PORT")
        if name in peers or address in (*peers.values(), *addresses):
            raise UsageError(f"--peers: {part!r} is there twice")
        if named:
            peers[name] = address
        else:
            addresses.append(address)
    return peers, tuple(addresses)
