"""One machine: the entry point of its container, and of a machine run by hand.

python -m vm vm1 --port 50051 --peers vm2=localhost:50052,vm3=localhost:50053
python -m vm machine1 50051 localhost:50052,localhost:50053 --tight --min-ticks 3 --max-ticks 4
"""

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from vm.host.lifecycle import Host
from vm.host.log_writer import LogWriter
from vm.host.recovery import Past, read_past
from vm.host.settings import ALL_ADDRESSES, HostError, Settings, TerminatedEarly
from vm.host.tether import tether
from vm.spec import NAME, Spec, SpecError, natural_order

MAX_PORT = 65535
ENDING_S = 0.1
#: The options that set a field of the spec, for errors that name what was typed.
OPTIONS = {
    "machines": "NAME",
    "ticks": "--ticks",
    "tick_rates_hz": "--tick-rate",
    "duration_s": "--duration",
    "workload": "--workload",
    "clocks": "--clocks",
    "seed": "--seed",
}


class UsageError(Exception):
    """A wrong argument; the text names it and what would do."""


class Parser(argparse.ArgumentParser):
    """Reports a mistake in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (--help lists the options)")


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        settings = read_settings(arguments)
        past = read_past(settings) if settings.recover else None
        if past and past.has_ended:
            print(f"{settings.name} has ended: its log says all there is to say")
            return 0
        log_writer = LogWriter(settings.log, settings.name, is_new=past is None)
    except UsageError as error:
        return _fail(2, str(error))
    except OSError as error:
        return _fail(2, f"--log: cannot write to {error.filename}: {error.strerror}")
    except HostError as error:
        return _fail(3, str(error))
    try:
        asyncio.run(_run(settings, log_writer, past))
    except HostError as error:
        log_writer.say(f"{settings.name} cannot run: {error}")
        return 3
    except TerminatedEarly:
        log_writer.say(f"{settings.name} ends before its run began")
        return 130
    finally:
        log_writer.close()
    return 0


def _fail(code: int, problem: str) -> int:
    print(f"vm: {problem}", file=sys.stderr)
    return code


async def _run(settings: Settings, log_writer: LogWriter, past: Past | None) -> None:
    host, loop = Host(settings, log_writer, past), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, host.terminate)
    if settings.tethered:
        tether(lambda: loop.call_soon_threadsafe(host.terminate))
    await host.run()
    # Calls that the server has just ended still have a step to do; cancelled before it, gRPC
    # prints a traceback.
    if ending := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(ending, timeout=ENDING_S)


def read_settings(arguments: Sequence[str] | None) -> Settings:
    """The settings that a command line means; UsageError if it means none."""
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
    return Settings(
        name=given.name,
        port=port,
        run=given.run,
        log=given.log,
        spec=_spec(given, tuple(sorted((given.name, *peers), key=natural_order))),
        seed=given.seed,
        peers=peers,
        addresses=addresses,
        startup_s=given.startup,
        listen=given.listen,
        partitions=given.partitions,
        recover=given.recover,
        tethered=given.tether,
    )


def _spec(given: argparse.Namespace, machines: tuple[str, ...]) -> Spec:
    low, high = given.ticks
    plain: dict[str, Any] = given.spec | {
        "machines": machines,
        "ticks": (given.min_ticks or low, given.max_ticks or high),
        "tick_rates_hz": {given.name: given.tick_rate} if given.tick_rate is not None else {},
        "duration_s": given.duration,
        "workload": "tight" if given.tight else given.workload,
        "clocks": given.clocks,
        "seed": given.seed or 0,
    }
    try:
        return Spec.parse(plain)
    except SpecError as error:
        option = OPTIONS.get(error.field.partition(".")[0], f"--spec: {error.field}")
        raise UsageError(f"{option}: {error.problem}") from None


def _parser() -> Parser:
    parser = Parser(prog="python -m vm", description="Run one machine.", allow_abbrev=False)
    add = parser.add_argument
    add("name", metavar="NAME", help="this machine's name")
    add("port", metavar="PORT", nargs="?", type=int, help="same as --port")
    add("peers", metavar="PEERS", nargs="?", default="", help="same as --peers")
    add("--port", dest="port_option", metavar="PORT", type=int, help="the port to listen on")
    add(
        "--peers",
        dest="peers_option",
        metavar="NAME=HOST:PORT,…",
        help="the other machines; an address without a name is asked for its name",
    )
    add("--ticks", metavar="MIN-MAX", type=read_ticks, default=(1, 6), help="default: 1-6")
    add("--min-ticks", metavar="MIN", type=int, help="the MIN of --ticks")
    add("--max-ticks", metavar="MAX", type=int, help="the MAX of --ticks")
    add("--tick-rate", metavar="HZ", type=int, help="ticks per second; default: drawn from --ticks")
    add("--duration", metavar="S", type=float, default=60, help="seconds; default: 60")
    add(
        "--tight",
        metavar="1|0",
        nargs="?",
        const=True,
        type=read_flag,
        help="same as --workload tight",
    )
    add(
        "--workload",
        metavar="NAME|ONE,ALL,INTERNAL",
        type=read_workload,
        default="assignment",
        help="assignment (default), tight, or the weights of an idle tick",
    )
    add("--clocks", metavar="CLOCK,…", type=read_list, default=["lamport"], help="default: lamport")
    add("--seed", metavar="N", type=read_seed, help="default: that of the first machine")
    add("--run", metavar="NAME", default="by-hand", help="only machines of one run talk")
    add(
        "--log",
        metavar="DIR",
        type=Path,
        default=Path("runs/by-hand"),
        help="where NAME.jsonl and NAME.out go; default: runs/by-hand",
    )
    add(
        "--startup",
        metavar="S",
        type=float,
        default=30,
        help="how long to wait for the peers; default: 30",
    )
    add(
        "--spec",
        metavar="JSON",
        type=read_other_fields,
        default={},
        help="fields of a spec that have no option: latency, fifo, faults",
    )
    add(
        "--partitions",
        action="store_true",
        help="let channels hold back what partitions separate, where nobody cuts the network",
    )
    add(
        "--recover",
        action="store_true",
        help="go on from the log, if it is of this run: for a machine that was killed",
    )
    add("--listen", metavar="ADDRESS", default=ALL_ADDRESSES, help="default: all that there are")
    add("--tether", action="store_true", help="end when standard input does")
    return parser


def read_ticks(text: str) -> tuple[int, int]:
    """`3-4`, or `3` for always three."""
    low, _, high = text.partition("-")
    try:
        return int(low), int(high or low)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not MIN-MAX, as in 1-6") from None


def read_workload(text: str) -> str | dict[str, int]:
    """A workload's name, or its three weights."""
    numbers = text.split(",")
    if len(numbers) != 3:
        return text
    try:
        return dict(zip(("one", "all", "internal"), map(int, numbers), strict=True))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not ONE,ALL,INTERNAL, as in 2,1,7") from None


def read_other_fields(text: str) -> dict[str, Any]:
    """A JSON object of fields that have no option of their own."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not an object of fields")
    for field in fields:
        if field in OPTIONS:
            raise argparse.ArgumentTypeError(f"{field} has an option of its own: {OPTIONS[field]}")
    return fields


def read_flag(text: str) -> bool:
    """For flags that come from an environment variable: `1` or `0`."""
    if text not in ("0", "1"):
        raise argparse.ArgumentTypeError(f"{text!r} is neither 1 nor 0")
    return text == "1"


def read_list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def read_seed(text: str) -> int | None:
    """A whole number; nothing (an unset variable) means that none is given."""
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


def _peers(text: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The peers with names, and the addresses of those without."""
    peers: dict[str, str] = {}
    addresses: list[str] = []
    for part in read_list(text):
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


if __name__ == "__main__":
    sys.exit(main())
