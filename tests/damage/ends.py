"""Stop and restart records that do not fit the rest of their logs."""

from random import Random

from damage.picking import FAR_NS, Logs, Place, at, cause, change, end, places, some
from vm.records import Recovery, Undelivered, Unread


def _ends(logs: Logs, has: str) -> list[Place]:
    return [end(logs, machine) for machine in logs if getattr(at(logs, end(logs, machine)), has)]


def forget_an_unread_message(random: Random, logs: Logs) -> bool:
    place = some(random, _ends(logs, "inbox"))
    return bool(place) and change(logs, place, inbox=at(logs, place).inbox[1:])


def forget_an_undelivered_message(random: Random, logs: Logs) -> bool:
    place = some(random, _ends(logs, "undelivered"))
    return bool(place) and change(logs, place, undelivered=at(logs, place).undelivered[1:])


def invent_an_unread_message(random: Random, logs: Logs) -> bool:
    place = end(logs, random.choice(sorted(logs)))
    unread = Unread(random.choice([*logs, "vm99"]), random.choice([-7, 1000]), FAR_NS)
    return change(logs, place, inbox=(*at(logs, place).inbox, unread))


def invent_an_undelivered_message(random: Random, logs: Logs) -> bool:
    place = end(logs, random.choice(sorted(logs)))
    left = Undelivered(random.choice([*logs, "vm99"]), random.choice([-7, 1000]))
    return change(logs, place, undelivered=(*at(logs, place).undelivered, left))


def leave_a_received_message_in_the_inbox(random: Random, logs: Logs) -> bool:
    single = places(logs, "receive", fits=lambda event: not at(logs, cause(event)).duplicated)
    place = some(random, single)
    if not place:
        return False
    event, last = at(logs, place), end(logs, place[0])
    unread = Unread(event.sender, event.cause, FAR_NS)
    return change(logs, last, inbox=(*at(logs, last).inbox, unread))


def miscount_events(random: Random, logs: Logs) -> bool:
    place = end(logs, random.choice(sorted(logs)))
    step = random.choice([-1, 1, 17])
    return change(logs, place, events=at(logs, place).events + step)


def miscount_missed_ticks(random: Random, logs: Logs) -> bool:
    place = end(logs, random.choice(sorted(logs)))
    return change(logs, place, ticks_missed=random.choice([-1, 10**9]))


def miscount_events_at_a_restart(random: Random, logs: Logs) -> bool:
    log = logs[random.choice(sorted(logs))]
    log.insert(-1, Recovery(at_ns=FAR_NS, events=len(log) + 5))
    return True
