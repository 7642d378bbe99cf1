"""Stop and recovery records that do not fit the rest of their logs."""

from random import Random

from damage.picking import FAR_NS, Logs, Position, at, cause, change, end, positions, some
from vm.records import Recovery, Undelivered, Unread


def _ends(logs: Logs, has: str) -> list[Position]:
    return [end(logs, machine) for machine in logs if getattr(at(logs, end(logs, machine)), has)]


def forget_an_unread_message(random: Random, logs: Logs) -> bool:
    position = some(random, _ends(logs, "inbox"))
    return bool(position) and change(logs, position, inbox=at(logs, position).inbox[1:])


def forget_an_undelivered_message(random: Random, logs: Logs) -> bool:
    position = some(random, _ends(logs, "undelivered"))
    return bool(position) and change(logs, position, undelivered=at(logs, position).undelivered[1:])


def invent_an_unread_message(random: Random, logs: Logs) -> bool:
    position = end(logs, random.choice(sorted(logs)))
    unread = Unread(random.choice([*logs, "vm99"]), random.choice([-7, 1000]), FAR_NS)
    return change(logs, position, inbox=(*at(logs, position).inbox, unread))


def invent_an_undelivered_message(random: Random, logs: Logs) -> bool:
    position = end(logs, random.choice(sorted(logs)))
    left = Undelivered(random.choice([*logs, "vm99"]), random.choice([-7, 1000]))
    return change(logs, position, undelivered=(*at(logs, position).undelivered, left))


def leave_a_received_message_in_the_inbox(random: Random, logs: Logs) -> bool:
    single = positions(logs, "receive", fits=lambda event: not at(logs, cause(event)).duplicated)
    position = some(random, single)
    if not position:
        return False
    event, last = at(logs, position), end(logs, position[0])
    unread = Unread(event.sender, event.cause, FAR_NS)
    return change(logs, last, inbox=(*at(logs, last).inbox, unread))


def miscount_events(random: Random, logs: Logs) -> bool:
    position = end(logs, random.choice(sorted(logs)))
    step = random.choice([-1, 1, 17])
    return change(logs, position, events=at(logs, position).events + step)


def miscount_missed_ticks(random: Random, logs: Logs) -> bool:
    position = end(logs, random.choice(sorted(logs)))
    return change(logs, position, ticks_missed=random.choice([-1, 10**9]))


def miscount_events_at_a_recovery(random: Random, logs: Logs) -> bool:
    log = logs[random.choice(sorted(logs))]
    log.insert(-1, Recovery(at_ns=FAR_NS, events=len(log) + 5))
    return True
