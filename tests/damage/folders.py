"""Changes of the files of a run: each has to be found, except for those of HARMLESS."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from random import Random
from typing import Any

from damage import RECORDS
from damage.picking import Logs
from orchestrator.virtual.simulation import simulate
from vm.log import decode, encode
from vm.records import Record, Stop
from vm.spec import Spec

#: A run directory: the lines of its files.
Files = dict[str, list[str]]
Mutation = Callable[[Random, Files], bool]

PLAIN = {"duration_s": 20, "ticks": [3, 9], "clocks": ["lamport", "vector"]}
SLOW = {"kind": "lognormal", "median_s": 0.2, "sigma": 0.7}
BASES: list[dict[str, Any]] = [
    PLAIN,
    PLAIN | {"machines": 5, "workload": "tight", "latency": SLOW},
    PLAIN | {"clocks": ["vector", "lamport"], "latency": SLOW, "fifo": False},
    PLAIN
    | {
        "machines": 4,
        "latency": SLOW,
        "faults": [
            {"kind": "loss", "probability": 0.3, "until_s": 10},
            {"kind": "duplication", "probability": 0.3, "senders": ["vm1", "vm2"]},
            {"kind": "pause", "machine": "vm2", "at_s": 4, "until_s": 6},
        ],
    },
    PLAIN
    | {
        "faults": [
            {"kind": "restart", "machine": "vm1", "at_s": 5, "until_s": 9},
            {"kind": "crash", "machine": "vm2", "at_s": 12},
        ]
    },
    PLAIN
    | {
        "workload": "tight",
        "tick_rates_hz": {"vm1": 9, "vm2": 2, "vm3": 9},
        "faults": [{"kind": "crash", "machine": "vm2", "at_s": 12}],
    },
    PLAIN | {"latency": SLOW, "faults": [{"kind": "duplication", "probability": 1}]},
]


@cache
def history(base: int, seed: int) -> tuple[Spec, dict[str, list[Record]]]:
    spec = Spec.parse(BASES[base] | {"seed": seed}).resolved()
    return spec, simulate(spec, "attacked")


def files_of(base: int, seed: int) -> Files:
    spec, logs = history(base, seed)
    files = {f"{machine}.jsonl": [encode(r) for r in log] for machine, log in logs.items()}
    ends = {m: {"outcome": outcome_of(log[-1])} for m, log in logs.items()}
    run = {"backend": "simulation", "seed": spec.seed, "outcome": "finished", "machines": ends}
    return files | {"spec.json": [json.dumps(spec.plain())], "run.json": [json.dumps(run)]}


def outcome_of(last: Record) -> str:
    return last.reason if isinstance(last, Stop) else "killed"


def logs_in(files: Files) -> list[str]:
    return [name for name in files if name.endswith(".jsonl")]


def picked(
    random: Random, files: Files, fits: Callable[[dict[str, Any]], Any]
) -> tuple[list[str], int, dict[str, Any]] | None:
    """Choose a line that fits: its file's lines, its number, its fields."""
    there = [
        (files[name], n, plain)
        for name in logs_in(files)
        for n, line in enumerate(files[name])
        if fits(plain := json.loads(line))
    ]
    return random.choice(there) if there else None


def changing(
    fits: Callable[[dict[str, Any]], Any], change: Callable[[Random, dict[str, Any]], Any]
) -> Mutation:
    """Change the fields of one line that fits."""

    def mutate(random: Random, files: Files) -> bool:
        if found := picked(random, files, fits):
            lines, n, plain = found
            change(random, plain)
            lines[n] = json.dumps(plain, separators=(",", ":"))
        return bool(found)

    return mutate


def kind(*kinds: str) -> Callable[[dict[str, Any]], bool]:
    return lambda plain: plain["kind"] in kinds


def setting(**fields: Any) -> Callable[[Random, dict[str, Any]], None]:
    return lambda _, plain: plain.update(fields)


def adding(field: str, *steps: int) -> Callable[[Random, dict[str, Any]], None]:
    return lambda random, plain: plain.update({field: plain[field] + random.choice(steps)})


def in_spec(**fields: Any) -> Mutation:
    def change(_: Random, plain: dict[str, Any]) -> None:
        plain["spec"].update(fields)

    return changing(lambda plain: plain["kind"] == "start", change)


def writing(text: str, into: str) -> Mutation:
    """Replace a part of the text of one event."""

    def mutate(random: Random, files: Files) -> bool:
        found = picked(random, files, kind("internal", "send", "receive"))
        if found:
            lines, n, _ = found
            assert text in lines[n]
            lines[n] = lines[n].replace(text, into, 1)
        return bool(found)

    return mutate


EVENT = kind("internal", "send", "receive")


def repeat_a_key(random: Random, files: Files) -> bool:
    lines, n, plain = picked(random, files, EVENT) or ([], 0, {})
    key = random.choice(list(plain))
    lines[n] = f"{lines[n][:-1]},{json.dumps(key)}:{json.dumps(plain[key])}}}"
    return True


def repeat_a_clock(random: Random, files: Files) -> bool:
    lines, n, _ = picked(random, files, EVENT) or ([], 0, {})
    lines[n] = lines[n].replace('"clock":{', '"clock":{"lamport":1,')
    return True


def shift_all_ticks(random: Random, files: Files) -> bool:
    by = random.choice([-3, 1, 3])
    _all_events(random, files, lambda plain: plain.update(tick=plain["tick"] + by))
    return True


def shift_ticks_with_their_times(random: Random, files: Files) -> bool:
    """A whole period later, from some event on."""

    def shift(plain: dict[str, Any]) -> None:
        plain["tick"] += 1
        for field in ("due_ns", "at_ns"):
            plain[field] += 10**9 // 9

    _all_events(random, files, shift, random.randrange(20))
    return True


def _all_events(
    random: Random, files: Files, change: Callable[[dict[str, Any]], Any], first: int = 0
) -> None:
    lines = files[random.choice(logs_in(files))]
    for n, line in enumerate(lines):
        plain = json.loads(line)
        if EVENT(plain) and plain["index"] >= first:
            change(plain)
            lines[n] = json.dumps(plain)


def draw_other_receivers(random: Random, files: Files) -> bool:
    """All that follows is changed with it: the send is internal, and its messages are nowhere."""
    found = picked(random, files, kind("send"))
    if found:
        lines, n, plain = found
        for field in ("to", "lost", "duplicated"):
            plain.pop(field, None)
        lines[n] = json.dumps(plain | {"kind": "internal"})
    return bool(found)


def act_after_the_crash(random: Random, files: Files) -> bool:
    lines = _without_end(files)
    if lines:
        last = json.loads(lines[-1])
        rate = json.loads(lines[0])["spec"]["tick_rates_hz"]["vm2"]
        later = {"index": last["index"] + 1, "tick": last["tick"] + 2 * rate, "kind": "internal"}
        for field in ("to", "from", "cause", "arrived_ns", "lost", "duplicated"):
            last.pop(field, None)
        later |= {field: last[field] + 2 * 10**9 for field in ("due_ns", "at_ns")}
        later |= {"queue": 0, "clock": _advanced(last["clock"])}
        lines.append(json.dumps(last | later))
    return bool(lines)


def _advanced(clock: dict[str, Any]) -> dict[str, Any]:
    vector = list(clock["vector"])
    vector[1] += 1
    return {"lamport": clock["lamport"] + 1, "vector": vector}


def stop_after_the_crash(random: Random, files: Files) -> bool:
    lines = _without_end(files)
    if lines:
        stop = {"kind": "stop", "reason": "finished", "events": len(lines) - 1, "ticks_missed": 0}
        lines.append(json.dumps(stop | {"rejected": 0, "inbox": [], "undelivered": []}))
    return bool(lines)


def lose_the_end_before_the_crash(random: Random, files: Files) -> bool:
    lines = _without_end(files)
    del lines[-3:]
    return bool(lines)


def _without_end(files: Files) -> list[str]:
    logs = (files[name] for name in logs_in(files))
    return next((lines for lines in logs if json.loads(lines[-1])["kind"] != "stop"), [])


def return_unplanned(random: Random, files: Files) -> bool:
    lines, n, plain = picked(random, files, EVENT) or ([], 0, {})
    recovery = {"kind": "recovery", "at_ns": plain["at_ns"], "events": plain["index"] + 1}
    lines.insert(n + 1, json.dumps(recovery))
    return True


def drop_a_line(*kinds: str) -> Mutation:
    def mutate(random: Random, files: Files) -> bool:
        if found := picked(random, files, kind(*kinds)):
            del found[0][found[1]]
        return bool(found)

    return mutate


def forget_the_last_event(random: Random, files: Files) -> bool:
    """The stop record agrees: one event less, one tick missed more."""
    found = picked(random, files, kind("stop"))
    if found:
        lines, n, plain = found
        counts = {"events": plain["events"] - 1, "ticks_missed": plain["ticks_missed"] + 1}
        lines[n] = json.dumps(plain | counts)
        del lines[n - 1]
    return bool(found)


def garble_a_line(random: Random, files: Files) -> bool:
    lines, n, _ = picked(random, files, lambda _: True) or ([], 0, {})
    part = lines[n][: random.randrange(1, len(lines[n]))]
    lines[n] = random.choice([part, "?", "[]", "null", "7", '{"kind":"nap"}', "\x00", "\udc80"])
    return True


def cut_a_log(random: Random, files: Files) -> bool:
    lines = files[random.choice(logs_in(files))]
    del lines[random.randrange(2, len(lines)) :]
    return True


def swap_two_lines(random: Random, files: Files) -> bool:
    lines = files[random.choice(logs_in(files))]
    n = random.randrange(1, len(lines) - 2)
    lines[n], lines[n + 1] = lines[n + 1], lines[n]
    return True


def repeat_a_line(random: Random, files: Files) -> bool:
    lines, n, _ = picked(random, files, lambda _: True) or ([], 0, {})
    lines.insert(n, lines[n])
    return True


def change_spec_json(random: Random, files: Files) -> bool:
    plain = json.loads(files["spec.json"][0])
    changes = {"seed": 7**9, "fifo": not plain["fifo"], "duration_s": 21, "workload": "slow"}
    key = random.choice([*changes])
    files["spec.json"] = [json.dumps(plain | {key: changes[key]})]
    return True


def garble_spec_json(random: Random, files: Files) -> bool:
    (text,) = files["spec.json"]
    twice = text.replace("{", '{"seed":1,', 1)
    files["spec.json"] = [
        random.choice([text[:-9], "[]", "null", "7", "", twice, '{"sed":1}', "\udc80"])
    ]
    return True


def by_records(change: Callable[[Random, Logs], bool]) -> Mutation:
    """Apply a kind of damage to records."""

    def mutate(random: Random, files: Files) -> bool:
        logs: Logs = {n.removesuffix(".jsonl"): [*map(decode, files[n])] for n in logs_in(files)}
        before = {machine: [*log] for machine, log in logs.items()}
        # Some need a stop record in every log.
        with suppress(AttributeError, TypeError):
            if change(random, logs) and logs != before:
                files |= {f"{machine}.jsonl": [*map(encode, log)] for machine, log in logs.items()}
                return True
        return False

    return mutate


def any_receiver(random: Random, plain: dict[str, Any]) -> None:
    plain["lost"] = [random.choice(plain["to"])]


def twice(random: Random, plain: dict[str, Any]) -> None:
    plain["duplicated"] = [random.choice(plain["to"])]


def drop_any(random: Random, plain: dict[str, Any]) -> None:
    del plain[random.choice([k for k in plain if k not in ("lost", "duplicated", "version")])]


def number_as(random: Random, plain: dict[str, Any]) -> None:
    key = random.choice([k for k in plain if type(plain[k]) is int])
    value = plain[key]
    others: list[Any] = [str(value), value + 0.5, None, True, [value], {}, 2**70, -(2**63), -5]
    plain[key] = random.choice(others)


def has_arrived_before_any_kill(plain: dict[str, Any]) -> bool:
    """After a kill messages are sent again, and only bounds of their arrivals are known."""
    return plain["kind"] == "receive" and plain["arrived_ns"] < 49 * 10**8


def is_planned(plain: dict[str, Any]) -> bool:
    return bool(plain["kind"] == "send" and not plain.get("lost") and not plain.get("duplicated"))


def end_of(random: Random, files: Files) -> tuple[list[str], dict[str, Any]]:
    """Choose a log with a stop record: its lines, and the fields of the record."""
    ended = [files[n] for n in logs_in(files) if json.loads(files[n][-1])["kind"] == "stop"]
    lines = random.choice(ended)
    return lines, json.loads(lines[-1])


def forge_an_early_stop(random: Random, files: Files) -> bool:
    """The log of a machine that was stopped before its end, by its stop record."""
    lines, stop = end_of(random, files)
    del lines[random.randrange(3, len(lines) - 3) :]
    events = sum(EVENT(json.loads(line)) for line in lines)
    stop |= {"reason": "terminated", "events": events, "ticks_missed": 0}
    stop |= {"inbox": [], "undelivered": []}
    lines.append(json.dumps(stop))
    return True


def move_the_recovery(random: Random, files: Files) -> bool:
    found = picked(random, files, kind("recovery"))
    if found:
        lines, n, plain = found
        del lines[n]
        at = random.choice([k for k in range(1, len(lines) - 1) if k != n])
        lines.insert(at, json.dumps(plain | {"events": at - 1}))
    return bool(found)


def undeliver_a_received_message(random: Random, files: Files) -> bool:
    lines, stop = end_of(random, files)
    name = json.loads(lines[0])["machine"]
    others = [log for log in logs_in(files) if files[log] is not lines]
    received = [(json.loads(line), log) for log in others for line in files[log]]
    taken = [(r["cause"], log) for r, log in received if r.get("from") == name]
    if not taken:
        return False
    index, receiver = random.choice(taken)
    left = {"to": receiver.removesuffix(".jsonl"), "index": index}
    lines[-1] = json.dumps(stop | {"undelivered": [*stop["undelivered"], left]})
    return True


def undeliver_a_lost_message(random: Random, files: Files) -> bool:
    lines, stop = end_of(random, files)
    lost = [plain for line in lines if (plain := json.loads(line)).get("lost")]
    if lost:
        plain = random.choice(lost)
        left = {"to": plain["lost"][0], "index": plain["index"]}
        lines[-1] = json.dumps(stop | {"undelivered": [*stop["undelivered"], left]})
    return bool(lost)


def deliver_everything(random: Random, files: Files) -> bool:
    """No sender lists what a crashed machine has not logged."""
    found = False
    for name in logs_in(files) if _without_end(files) else ():
        plain = json.loads(files[name][-1])
        if plain.get("undelivered"):
            files[name][-1] = json.dumps(plain | {"undelivered": []})
            found = True
    return found


def take_back_an_arrival(random: Random, files: Files) -> bool:
    """A message in an inbox becomes one that its sender could not deliver."""
    lines, stop = end_of(random, files)
    if not stop["inbox"]:
        return False
    *inbox, last = stop["inbox"]
    sender = files[f"{last['from']}.jsonl"]
    sent = json.loads(sender[-1])
    if sent["kind"] != "stop":
        return False
    left = {"to": json.loads(lines[0])["machine"], "index": last["cause"]}
    lines[-1] = json.dumps(stop | {"inbox": inbox})
    sender[-1] = json.dumps(sent | {"undelivered": [*sent["undelivered"], left]})
    return True


def lengthen_the_queue_to_the_kill(random: Random, files: Files) -> bool:
    lines = _without_end(files)
    by, changed = random.choice([10**3, 10**6]), False
    for n, line in list(enumerate(lines))[-random.randrange(1, 9) :]:
        plain = json.loads(line)
        if plain["kind"] == "receive":
            lines[n], changed = json.dumps(plain | {"queue": plain["queue"] + by}), True
    return changed


def let_two_copies_arrive_at_once(random: Random, files: Files) -> bool:
    for name in logs_in(files):
        first = dict[tuple[str, int], int]()
        for n, line in enumerate(files[name]):
            plain = json.loads(line)
            if plain["kind"] == "receive":
                arrived_ns = first.setdefault((plain["from"], plain["cause"]), plain["arrived_ns"])
                if arrived_ns != plain["arrived_ns"]:
                    files[name][n] = json.dumps(plain | {"arrived_ns": arrived_ns})
                    return True
    return False


def write_after_the_stop(random: Random, files: Files) -> bool:
    lines, _ = end_of(random, files)
    lines.append(random.choice(["\0" * 40, "ende \u2603", '{"kind":"send","ind', "null"]))
    return True


def copy_a_log(random: Random, files: Files) -> bool:
    name = random.choice(logs_in(files))
    files["extra.jsonl"] = [*files[name]]
    return True


def change_run_json(random: Random, files: Files) -> bool:
    plain = json.loads(files["run.json"][0])
    machines = {m: {"outcome": "terminated"} for m in plain["machines"]}
    changes: list[dict[str, Any]] = [{"seed": 7**9}, {"epoch_unix_ns": 5}, {"machines": machines}]
    changed = plain | random.choice(changes)
    changed |= {"backend": "processes"} if "epoch_unix_ns" in changed else {}
    files["run.json"] = [json.dumps(changed)]
    return True


def change_every_epoch(random: Random, files: Files) -> bool:
    for name in logs_in(files):
        files[name][0] = json.dumps(json.loads(files[name][0]) | {"epoch_unix_ns": 5})
    return True


MUTATIONS: dict[str, Mutation] = {
    **{f"record {change.__name__}": by_records(change) for change in RECORDS},
    **{
        f"start {name}": in_spec(**{name: value})
        for name, value in {
            "seed": 999_999, "workload": {"one": 1, "all": 1, "internal": 98},
            "fifo": "no", "duration_s": 19, "ticks": [1, 9], "tick_rates_hz": {},
            "clocks": ["lamport"], "latency": {"kind": "constant", "delay_s": 0.5},
            "faults": [{"kind": "loss", "probability": 0.5}], "machines": 9,
        }.items()
    },
    "start run": changing(kind("start"), setting(run="another")),
    "start epoch_unix_ns": changing(kind("start"), setting(epoch_unix_ns=5)),
    "start wall_offsets": changing(kind("start"), setting(wall_offsets={})),
    "start format": changing(kind("start"), setting(format=1)),
    "start machine": changing(kind("start"), setting(machine="vm77")),
    "change_spec_json": change_spec_json,
    "garble_spec_json": garble_spec_json,
    "due_ns": changing(EVENT, adding("due_ns", -(10**9 // 27), -1, 1, 10**6)),
    "at_ns": changing(EVENT, adding("at_ns", -1, 1, 10**6)),
    "arrived_ns": changing(has_arrived_before_any_kill, adding("arrived_ns", -1, 1, 10**6)),
    "tick": changing(EVENT, adding("tick", -1, 1, 100)),
    "index": changing(EVENT, adding("index", -1, 1, 100)),
    "queue": changing(EVENT, adding("queue", -1, 1, 3)),
    "shift_all_ticks": shift_all_ticks,
    "shift_ticks_with_their_times": shift_ticks_with_their_times,
    "send to nobody": changing(kind("send"), setting(to=[])),
    "send to itself": changing(kind("send"), lambda _, p: p.update(to=[*p["to"], p["to"][0]])),
    "send to a stranger": changing(kind("send"), setting(to=["vm88"])),
    "draw_other_receivers": draw_other_receivers,
    "lost": changing(is_planned, any_receiver),
    "duplicated": changing(is_planned, twice),
    "lost to a stranger": changing(is_planned, setting(lost=["vm88"])),
    "repeat_a_key": repeat_a_key,
    "repeat_a_clock": repeat_a_clock,
    "act_after_the_crash": act_after_the_crash,
    "stop_after_the_crash": stop_after_the_crash,
    "lose_the_end_before_the_crash": lose_the_end_before_the_crash,
    "return_unplanned": return_unplanned,
    "recovery later": changing(kind("recovery"), adding("at_ns", 10**8, -(10**8))),
    "recovery events": changing(kind("recovery"), adding("events", 1, -1)),
    "drop the recovery": drop_a_line("recovery"),
    "drop an event": drop_a_line("internal", "send", "receive"),
    "drop the start": drop_a_line("start"),
    "drop the stop": drop_a_line("stop"),
    "forget_the_last_event": forget_the_last_event,
    "stop events": changing(kind("stop"), adding("events", -1, 1)),
    "stop ticks_missed": changing(kind("stop"), adding("ticks_missed", -1, 1)),
    "stop reason": changing(kind("stop"), setting(reason="bored")),
    "stop rejected": changing(kind("stop"), adding("rejected", -1, 1)),
    "garble_a_line": garble_a_line,
    "cut_a_log": cut_a_log,
    "swap_two_lines": swap_two_lines,
    "repeat_a_line": repeat_a_line,
    "drop a field": changing(EVENT, drop_any),
    "a number as something else": changing(EVENT, number_as),
    "no number": writing('"queue":', '"queue":NaN,"queue":'),
    "kind": changing(EVENT, setting(kind="nap")),
    "a lamport clock": changing(EVENT, lambda r, p: p["clock"].update(lamport=10**r.randrange(9))),
    "no clock": changing(EVENT, setting(clock={})),
    "arrived at -1": changing(kind("receive"), setting(arrived_ns=-1)),
    "caused by -1": changing(kind("receive"), setting(cause=-1)),
    "from no name": changing(kind("receive"), setting(**{"from": ""})),
    "lost twice": changing(lambda p: p.get("lost"), lambda _, p: p.update(lost=p["lost"] * 2)),
    "no rejected frames": changing(kind("stop"), setting(rejected=-5)),
    "stopped early": changing(kind("stop"), setting(reason="terminated")),
    "forge_an_early_stop": forge_an_early_stop,
    "move_the_recovery": move_the_recovery,
    "undeliver_a_received_message": undeliver_a_received_message,
    "undeliver_a_lost_message": undeliver_a_lost_message,
    "deliver_everything": deliver_everything,
    "take_back_an_arrival": take_back_an_arrival,
    "lengthen_the_queue_to_the_kill": lengthen_the_queue_to_the_kill,
    "let_two_copies_arrive_at_once": let_two_copies_arrive_at_once,
    "write_after_the_stop": write_after_the_stop,
    "copy_a_log": copy_a_log,
    "change_run_json": change_run_json,
    "change_every_epoch": change_every_epoch,
    "a short vector": changing(EVENT, lambda _, p: p["clock"]["vector"].pop()),
}  # fmt: skip


def is_escaped(text: str) -> Iterator[str]:
    return (f"\\u{ord(c):04x}" for c in text)


def reorder(random: Random, line: str) -> str:
    items = list(json.loads(line).items())
    random.shuffle(items)
    return json.dumps(dict(items))


HARMLESS: dict[str, Callable[[Random, str], str]] = {
    "the order of keys": reorder,
    "spaces": lambda _, line: json.dumps(json.loads(line), separators=(" , ", " : ")),
    "spaces around": lambda _, line: f" \t{line}  ",
    "the end of lines": lambda _, line: f"{line}\r",
    "empty lines": lambda _, line: f"{line}\n\n",
    "a byte order mark": lambda _, line: "\ufeff" * ('"kind":"start"' in line) + line,
    "escapes": lambda _, line: line.replace("vm1", "".join(is_escaped("vm1"))),
    "escaped keys": lambda _, line: line.replace('"queue"', '"\\u0071ueue"'),
}
