"""The command line of one machine.

`--spec` holds the whole spec as one JSON value, as the orchestrator passes it; options of single
fields take precedence over it, for a machine run by hand.
"""

import argparse
import json
import re
import socket
from collections import Counter
from collections.abc import Sequence
from math import nan
from operator import itemgetter
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext, SSLError
from typing import Any

from vm.fields import MAX_DURATION_S
from vm.host.settings import ALL_ADDRESSES, Settings
from vm.host.wire.authentication import KEY_NEEDED, SAME_KEY, is_loopback
from vm.host.wire.key import MAX_KEY_BYTES, NO_KEY, Key
from vm.options import (
    Parser,
    UsageError,
    add_options,
    flag_of,
    given_fields,
    read_flag,
    read_integer,
    read_words,
)
from vm.quoting import input_problem, quoted
from vm.quoting import plain as plain_text
from vm.spec import MAX_MACHINES, NAME, NAME_RULE, Spec, SpecError, natural_order

MAX_PORT = 65535
PORT = re.compile(r"[0-9]{1,5}")
MAX_HOST = 253
#: Addresses to listen on that include loopback.
WITH_LOOPBACK = (ALL_ADDRESSES, "localhost", "0.0.0.0")
MAX_RUN_NAME = 255
#: The default folder of logs. The files of earlier runs in it are kept.
BY_HAND = Path("runs/by-hand")
#: Fields of the spec that have an option; the machines are NAME and the peers.
FIELDS = ("duration_s", "ticks", "workload", "clocks", "seed")


def read_settings(arguments: Sequence[str] | None) -> Settings:
    """Return the settings of a command line; UsageError names a wrong argument."""
    given = _parser().parse_args(arguments)
    port = given.port if given.port_option is None else given.port_option
    if port is None or not 1 <= port <= MAX_PORT:
        given_port = "" if port is None else f", not {port}"
        raise UsageError(f"--port: a port from 1 to {MAX_PORT} is needed{given_port}")
    peers, addresses = _peers(given.peers_option or given.peers)
    for where, name in (("NAME", given.name), *(("--peers", peer) for peer in peers)):
        if not NAME.fullmatch(name):
            problem = f"{quoted(name)} is not a name: {NAME_RULE}"
            raise UsageError(f"{where}: {problem}")
    if given.name in peers:
        raise UsageError(f"--peers: {given.name} is this machine itself; name only the others")
    if given.recover and addresses:
        raise UsageError(
            f"--peers: {plain_text(addresses[0])} needs a name with --recover: NAME=HOST:PORT"
        )
    names = sorted((given.name, *peers), key=natural_order)
    plain: dict[str, Any] = {"machines": names} | given.spec
    if plain["machines"] != names:
        ours = plain_text(", ".join(names))
        raise UsageError(f"--spec: machines: they are not NAME and --peers, {ours}")
    _check_listen(given.listen, given.key)
    options = _fields_of_options(given, _spec(plain, {}))
    plain |= options
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
        key=given.key,
        partitions=given.partitions,
        recover=given.recover,
        tethered=given.tether,
    )


def _fields_of_options(given: argparse.Namespace, spec: Spec) -> dict[str, Any]:
    """Return the plain values of fields given as options; `spec` is that of --spec."""
    plain = given_fields(given, FIELDS)
    if given.min_ticks is not None or given.max_ticks is not None:
        low, high = plain.get("ticks", spec.ticks)
        least, most = given.min_ticks, given.max_ticks
        plain["ticks"] = (low if least is None else least, high if most is None else most)
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
        option = flag if field in options else f"--spec: {plain_text(error.field)}"
        raise UsageError(f"{option}: {error.problem}") from None


def _parser() -> Parser:
    parser = Parser(prog="python -m vm", description="Run one machine.", allow_abbrev=False)
    add = parser.add_argument
    add("name", metavar="NAME", help="this machine's name")
    add("port", metavar="PORT", nargs="?", type=read_integer, help="same as --port")
    add("peers", metavar="PEERS", nargs="?", default="", help="same as --peers")
    add(
        "--port",
        dest="port_option",
        metavar="PORT",
        type=read_integer,
        help="the port to listen on",
    )
    text = "the other machines; without NAME=, the machine there is asked for its name"
    add("--peers", dest="peers_option", metavar="NAME=HOST:PORT,…", help=text)
    _add_spec(parser)
    text = "only machines of the same run connect (default: by-hand)"
    add("--run", metavar="NAME", type=_read_run, default="by-hand", help=text)
    text = "folder of NAME.jsonl and NAME.out (default: runs/by-hand, which keeps earlier runs)"
    add("--log", metavar="DIR", type=Path, default=BY_HAND, help=text)
    text = "how long to wait for the peers (default: 30)"
    add("--startup", metavar="S", type=_read_startup_s, default=30, help=text)
    text = "hold messages back in the channels during partitions, if the network is not cut"
    add("--partitions", action="store_true", help=text)
    text = "after a kill: continue from the log, if it is of this run"
    add("--recover", action="store_true", help=text)
    text = "address to listen on (default: all)"
    add("--listen", metavar="ADDRESS", type=_read_address, default=ALL_ADDRESSES, help=text)
    text = "the run's key, for machines on several computers (`vklocks key FILE` makes one)"
    add("--key", metavar="FILE", type=_read_key, default=NO_KEY, help=text)
    add("--tether", action="store_true", help="end when standard input ends")
    return parser


def _add_spec(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    text = "the spec, whole or in part, as a JSON object of its fields"
    add("--spec", metavar="JSON", type=_read_spec, default={}, help=text)
    add_options(parser, FIELDS)
    add("--min-ticks", metavar="MIN", type=read_integer, help="the MIN of --ticks")
    add("--max-ticks", metavar="MAX", type=read_integer, help="the MAX of --ticks")
    text = "this machine's ticks per second (default: drawn from --ticks)"
    add("--tick-rate", metavar="HZ", type=read_integer, help=text)
    text = "same as --workload tight"
    add("--tight", metavar="1|0", nargs="?", const=True, type=read_flag, help=text)


def _read_spec(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        problem = f"{quoted(text)} is {plain_text(input_problem(error))}"
        raise argparse.ArgumentTypeError(problem) from None
    if not isinstance(fields, dict):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not an object of fields")
    return fields


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of these fields; no field may occur twice."""
    key, count = max(Counter(key for key, _ in pairs).items(), key=itemgetter(1), default=("", 0))
    if count > 1:
        raise argparse.ArgumentTypeError(f"{plain_text(key)}: it is there more than once")
    return dict(pairs)


def _read_startup_s(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = nan
    if not 0 < seconds <= MAX_DURATION_S:
        problem = f"{quoted(text)} is not a number of seconds up to {MAX_DURATION_S}"
        raise argparse.ArgumentTypeError(problem)
    return seconds


def _read_run(text: str) -> str:
    if not text or not text.isprintable() or len(text) > MAX_RUN_NAME:
        problem = f"{quoted(text)} is not 1 to {MAX_RUN_NAME} printable characters"
        raise argparse.ArgumentTypeError(problem)
    return text


def _read_address(text: str) -> str:
    """Read an address of this computer to listen on; numeric, so that DNS is not queried."""
    if text in (ALL_ADDRESSES, "localhost"):
        return text
    numeric, stream = socket.AI_NUMERICHOST, socket.SOCK_STREAM
    try:
        found = socket.getaddrinfo(text.strip("[]"), 0, type=stream, flags=numeric)
        for family, kind, _, _, address in found:
            with socket.socket(family, kind) as trial:
                trial.bind(address)
    except (OSError, UnicodeError):
        problem = f"{quoted(text)} is not an address of this computer, as 127.0.0.1"
        raise argparse.ArgumentTypeError(problem) from None
    return f"[{text}]" if ":" in text and text[0] != "[" else text


def _check_listen(address: str, key: Key) -> None:
    """Check that peers can connect: without a key only those on this computer can."""
    if not key.is_given and not (address in WITH_LOOPBACK or is_loopback(address.strip("[]"))):
        raise UsageError(f"--listen: {KEY_NEEDED}{SAME_KEY}")


def _read_key(text: str) -> Key:
    try:
        with Path(text).open("rb") as file:
            key = Key.read(file.read(MAX_KEY_BYTES + 1))
        if key.encrypts:
            SSLContext(PROTOCOL_TLS_SERVER).load_cert_chain(text)
    except SSLError:
        problem = "it does not hold a certificate with its private key"
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError as error:
        problem = str(error)
    else:
        return key
    problem = f"{quoted(text)} is no key: {problem}; `vklocks key FILE` makes one"
    raise argparse.ArgumentTypeError(problem)


def _peers(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the addresses of peers by name, and the addresses of peers without a name."""
    peers: dict[str, str] = {}
    addresses: list[str] = []
    known: set[str] = set()
    if len(parts := read_words(text)) >= MAX_MACHINES:
        count = len(parts) + 1
        raise UsageError(f"--peers: {count} machines, this one included, are over {MAX_MACHINES}")
    for part in parts:
        name, named, address = part.rpartition("=")
        host, _, port = address.rpartition(":")
        is_host = 0 < len(host) <= MAX_HOST and host.isprintable()
        if not is_host or not PORT.fullmatch(port) or not 1 <= int(port) <= MAX_PORT:
            raise UsageError(f"--peers: {quoted(part)} is neither NAME=HOST:PORT nor HOST:PORT")
        if name in peers or address in known:
            raise UsageError(f"--peers: {quoted(part)} is there twice")
        known.add(address)
        if named:
            peers[name] = address
        else:
            addresses.append(address)
    return peers, tuple(addresses)
