"""The command `python -m vm`: one machine, from its command line to its exit code."""

import asyncio
import signal
import sys
from collections.abc import Sequence

from vm.files import log_path
from vm.host.arguments import BY_HAND, read_settings
from vm.host.lifecycle import Host
from vm.host.log_writer import LogWriter, set_aside
from vm.host.recovery import Past, read_past
from vm.host.settings import HostError, Settings, TerminatedEarly
from vm.host.tether import tether
from vm.options import UsageError
from vm.quoting import escaped

ENDING_S = 0.1


def main(arguments: Sequence[str] | None = None) -> int:
    try:
        settings = read_settings(arguments)
        past = read_past(settings) if settings.recover else None
        if past and past.has_ended:
            print(f"{settings.name} has ended: its log is complete")
            return 0
        if past is None and settings.log == BY_HAND:
            moved = set_aside(settings.log)
            if moved:
                folders = escaped(", ".join(map(str, moved)))
                print(f"logs of earlier runs in {settings.log} are now in {folders}")
        log_writer = LogWriter(settings.log, settings.name, is_new=past is None)
    except UsageError as error:
        return _fail(2, str(error))
    except OSError as error:
        return _fail(2, f"--log: cannot write to {error.filename}: {error.strerror}")
    except HostError as error:
        return _fail(3, str(error))
    try:
        return asyncio.run(_run(settings, log_writer, past))
    except HostError as error:
        log_writer.say(f"{settings.name} cannot run: {error}")
        return 3
    except OSError as error:
        log = log_path(settings.log, settings.name)
        return _fail(3, f"{settings.name} cannot go on: {log}: {error.strerror or error}")
    finally:
        log_writer.close()


def _fail(code: int, problem: str) -> int:
    print(f"vm: {escaped(problem)}", file=sys.stderr)
    return code


async def _run(settings: Settings, log_writer: LogWriter, past: Past | None) -> int:
    """Run the machine; return the exit code."""
    host, loop = Host(settings, log_writer, past), asyncio.get_running_loop()
    signals = []

    def terminate(number: int, _: object) -> None:
        signals.append(number)
        if not loop.is_closed():
            loop.call_soon_threadsafe(host.terminate)

    # A handler of the loop would end with the loop, before the process does.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, terminate)
    if settings.tethered:
        tether(lambda: loop.call_soon_threadsafe(host.terminate))
    try:
        await host.run()
    except TerminatedEarly:
        log_writer.say(f"{settings.name} ends before its run began")
        return 128 + (signals or [signal.SIGINT])[0]
    # Calls that the server has just ended need one more step of the loop; if they are cancelled
    # before it, gRPC prints a traceback.
    if ending := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(ending, timeout=ENDING_S)
    return 0
