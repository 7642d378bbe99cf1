import json
import re
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs import specs
from vm.faults import Crash
from vm.log import LogError, decode, encode
from vm.records import (
    NO_OFFSET,
    Event,
    Record,
    Recovery,
    Start,
    Stop,
    Undelivered,
    Unread,
    WallOffset,
    transcript_line,
)
from vm.spec import Spec

numbers = st.integers(-1, 2**70)
texts = st.text(max_size=8)
names = st.lists(texts, max_size=3).map(tuple)
receivers = st.lists(texts, min_size=1, max_size=3, unique=True).map(tuple)
clocks = st.dictionaries(texts, numbers | st.lists(numbers, max_size=3).map(tuple), max_size=2)
#: -1 stands for an unknown number in the logs of other programs.
known = numbers.filter(lambda number: number != -1)
common = {
    "index": numbers,
    "tick": numbers,
    "due_ns": numbers,
    "at_ns": numbers,
    "queue": numbers,
    "clock": clocks,
}
offsets = st.builds(WallOffset, st.integers(-(2**61), 2**61), st.integers(0, 2**61))


@st.composite
def starts(draw: st.DrawFn) -> Start:
    spec = draw(specs())
    measured = st.fixed_dictionaries(dict.fromkeys(spec.machines, offsets))
    return Start(
        machine=draw(texts),
        run=draw(texts),
        epoch_unix_ns=draw(numbers),
        spec=spec,
        version=draw(texts),
        wall_offsets=draw(st.just({}) | measured),
    )


records: st.SearchStrategy[Record] = st.one_of(
    starts(),
    st.builds(Event, kind=st.just("internal"), **common),
    st.builds(Event, kind=st.just("send"), to=receivers, lost=names, duplicated=names, **common),
    st.builds(
        Event,
        kind=st.just("receive"),
        sender=texts.filter(bool),
        cause=known,
        arrived_ns=known,
        **common,
    ),
    st.builds(Recovery, at_ns=numbers, events=numbers),
    st.builds(
        Stop,
        reason=st.sampled_from(["finished", "terminated"]),
        events=numbers,
        ticks_missed=numbers,
        rejected=numbers,
        inbox=st.lists(st.builds(Unread, texts, numbers, numbers), max_size=3).map(tuple),
        undelivered=st.lists(st.builds(Undelivered, texts, numbers), max_size=3).map(tuple),
    ),
)


@given(record=records)
def test_a_record_survives_its_line(record: Record) -> None:
    line = encode(record)
    assert "\n" not in line
    assert line.startswith('{"kind":')
    assert decode(line) == record


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (
            Event("send", 0, 0, 5, 6, 0, {"lamport": 1}, to=("vm2", "vm3")),
            '{"kind":"send","index":0,"tick":0,"due_ns":5,"at_ns":6,"queue":0,'
            '"clock":{"lamport":1},"to":["vm2","vm3"]}',
        ),
        (
            Event("send", 4, 0, 5, 6, 0, {}, ("a", "b", "c"), lost=("b",), duplicated=("a", "c")),
            '{"kind":"send","index":4,"tick":0,"due_ns":5,"at_ns":6,"queue":0,'
            '"clock":{},"to":["a","b","c"],"lost":["b"],"duplicated":["a","c"]}',
        ),
        (Recovery(70, 12), '{"kind":"recovery","at_ns":70,"events":12}'),
        (
            Event("receive", 1, 1, 7, 8, 2, {"lamport": 9}, sender="vm3", cause=5, arrived_ns=4),
            '{"kind":"receive","index":1,"tick":1,"due_ns":7,"at_ns":8,"queue":2,'
            '"clock":{"lamport":9},"from":"vm3","cause":5,"arrived_ns":4}',
        ),
        (
            Event("internal", 2, 3, 9, 9, 0, {"vector": (3, 0, 6)}),
            '{"kind":"internal","index":2,"tick":3,"due_ns":9,"at_ns":9,"queue":0,'
            '"clock":{"vector":[3,0,6]}}',
        ),
        (
            Stop("finished", 3, 1, 0, (Unread("vm2", 31, 4),), (Undelivered("vm3", 9),)),
            '{"kind":"stop","reason":"finished","events":3,"ticks_missed":1,"rejected":0,'
            '"inbox":[{"from":"vm2","cause":31,"arrived_ns":4}],'
            '"undelivered":[{"to":"vm3","index":9}]}',
        ),
    ],
)
def test_lines_are_as_the_files_of_others_have_them(record: Record, line: str) -> None:
    assert encode(record) == line


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "not JSON"),
        ('{"kind":"send","ind', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "kind None is none of start, internal, send, receive, recovery, stop"),
        ('{"kind":["send"]}', "kind"),
        ('{"kind":"internal"}', "field 'index' is missing"),
        ('{"kind":"stop","reason":"bored"}', "field 'reason' is 'bored'"),
        ('{"kind":"recovery","at_ns":1}', "field 'events' is missing"),
    ],
)
def test_a_damaged_line_says_what_is_wrong(line: str, says: str) -> None:
    with pytest.raises(LogError, match=says.replace("[", r"\[")):
        decode(line)


START = '{"kind":"start","format":2,"machine":"vm1","run":"r","epoch_unix_ns":5,"version":"1"'


def test_a_start_record_holds_the_whole_spec() -> None:
    spec = Spec(seed=7, tick_rates_hz={"vm1": 4}, faults=(Crash(10**9, "vm2"),))
    line = encode(Start("vm1", "r", 5, spec, "1"))
    assert line == f'{START},"spec":{json.dumps(spec.plain(), separators=(",", ":"))}}}'
    assert decode(f'{START},"spec":{{"seed":7}}}}') == Start("vm1", "r", 5, Spec(seed=7), "1")


def test_a_start_record_holds_the_offsets_of_all_wall_clocks() -> None:
    spec = Spec(machines=("vm1", "vm2"))
    start = Start("vm2", "r", 5, spec, "1", {"vm1": NO_OFFSET, "vm2": WallOffset(-30, 2)})
    line = encode(start)
    assert (
        '"version":"1","wall_offsets":{"vm1":{"offset_ns":0,"bound_ns":0},'
        '"vm2":{"offset_ns":-30,"bound_ns":2}},"spec":{'
    ) in line
    assert decode(line) == start
    assert start.run_epoch_unix_ns == 35
    assert transcript_line(start).endswith(", seed 0, wall clock 0.0000 s behind vm1's (± 0.1 ms)")
    assert transcript_line(replace(start, machine="vm1")).endswith(", seed 0")


def of_offsets(value: str) -> str:
    return f'{START},"wall_offsets":{value},"spec":{{"machines":1}}}}'


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (f"{START}}}", "field 'spec' is missing"),
        (f'{START},"spec":3}}', "field 'spec' is 3, not an object"),
        (f'{START},"spec":{{"fifi":true}}}}', "spec.fifi: there is no such field; did you mean"),
        (of_offsets("7"), "field 'wall_offsets' is not an object with an entry for each machine"),
        (of_offsets("{}"), "field 'wall_offsets' is not an object with an entry for each machine"),
        (of_offsets('{"vm2":{}}'), "field 'wall_offsets' is not an object with an entry for each"),
        (of_offsets('{"vm1":5}'), "field 'wall_offsets' has an entry that is not an object"),
        (of_offsets('{"vm1":{"offset_ns":1}}'), "field 'bound_ns' is missing"),
        (of_offsets(f'{{"vm1":{{"offset_ns":{2**62},"bound_ns":0}}}}'), "which is not possible"),
        (of_offsets('{"vm1":{"offset_ns":0,"bound_ns":-1}}'), "which is not possible"),
        (f'{START},"spec":{{"fifo":1}}}}', "spec.fifo: 1 is neither true nor false"),
        ('{"kind":"start","machine":"vm1"}', "format 1: vklocks 0.1 reads such logs"),
        ('{"kind":"start","format":3}', "format 3: this vklocks reads format 2; use a newer one"),
        ('{"kind":"start","format":"2"}', "format '2': this vklocks reads format 2"),
    ],
)
def test_a_start_record_that_cannot_be_used_is_refused(line: str, says: str) -> None:
    with pytest.raises(LogError, match=re.escape(says)):
        decode(line)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@given(record=records, data=st.data())
def test_whatever_is_in_a_line_it_is_a_record_or_a_log_error(
    record: Record, data: st.DataObject
) -> None:
    plain = json.loads(encode(record))
    plain[data.draw(st.sampled_from(sorted(plain)))] = data.draw(json_values)
    with suppress(LogError):
        decode(json.dumps(plain))


@given(line=texts | json_values.map(json.dumps))
def test_any_text_is_a_record_or_a_log_error(line: str) -> None:
    with pytest.raises(LogError):
        decode(line)


@given(record=records, data=st.data())
def test_a_torn_line_is_never_a_record(record: Record, data: st.DataObject) -> None:
    line = encode(record)
    with pytest.raises(LogError):
        decode(line[: data.draw(st.integers(0, len(line) - 1))])


@pytest.mark.parametrize(
    ("line", "because"),
    [
        ('{"kind":"recovery","at_ns":70,"at_ns":70,"events":12}', "field 'at_ns' is there more"),
        (
            '{"kind":"internal","index":4,"tick":0,"due_ns":5,"at_ns":6,"queue":0,'
            '"clock":{"lamport":1,"lamport":2}}',
            "field 'lamport' is there more than once",
        ),
        (
            '{"kind":"send","index":4,"tick":0,"due_ns":5,"at_ns":6,"queue":0,"clock":{},"to":[]}',
            "field 'to' is [], not a list of different receivers",
        ),
    ],
)
def test_a_line_with_two_meanings_or_none_is_no_record(line: str, because: str) -> None:
    with pytest.raises(LogError) as error:
        decode(line)
    assert because in str(error.value)
