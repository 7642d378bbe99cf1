"""Ways to damage a valid history, and the violations that the verdict must report for each.

A mutation of records returns False if the history has no record to damage in this way.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from damage import ends, events, files, messages, times
from damage.picking import Logs


class Kind(NamedTuple):
    """Violations that must be found, and violations that may follow from the damage."""

    found: frozenset[str]
    beside: frozenset[str]


def kind(found: str, beside: str = "") -> Kind:
    return Kind(frozenset(found.split()), frozenset(beside.split()))


#: Violations that follow if a receive and its clocks disagree about the message.
CLOCKS = "clock_rule clock_condition strong_clock_condition causal_cycle clock_offset unproven"

RECORDS: dict[Callable[[Random, Logs], bool], Kind] = {
    events.drop_an_internal_event: kind("index_gap", "ticks_missed unproven"),
    events.drop_a_send: kind("index_gap", "ticks_missed receive_without_send accounting unproven"),
    events.drop_a_receive: kind("index_gap accounting", "ticks_missed queue unproven"),
    events.log_an_event_twice: kind(
        "index_gap ticks_missed clock_condition", "received_twice queue accounting unproven"
    ),
    events.swap_two_events: kind(
        "index_gap time_runs_back ticks_missed clock_condition",
        "queue fifo_violation causal_cycle unproven",
    ),
    events.change_an_index: kind("index_gap", "receive_without_send accounting unproven"),
    events.call_a_receive_internal: kind("accounting", "clock_rule strong_clock_condition queue"),
    events.call_a_send_internal: kind("", "receive_without_send accounting unproven"),
    events.change_a_scalar_stamp: kind("clock_rule", "clock_condition"),
    events.change_a_vector_stamp: kind(
        "clock_rule", "clock_condition strong_clock_condition unproven"
    ),
    events.stop_the_clocks: kind("clock_rule clock_condition", "unproven"),
    messages.receive_an_unsent_message: kind("receive_without_send accounting", "unproven"),
    messages.receive_from_a_stranger: kind("receive_without_send accounting", "unproven"),
    messages.receive_from_an_internal_event: kind("receive_without_send accounting", "unproven"),
    messages.receive_a_message_for_others: kind(
        "not_addressed accounting", f"fifo_violation {CLOCKS}"
    ),
    messages.receive_an_already_received_message: kind(
        "received_twice accounting", f"fifo_violation {CLOCKS}"
    ),
    messages.receive_from_the_future: kind("causal_cycle not_addressed accounting", CLOCKS),
    messages.receive_again: kind(
        "received_twice clock_rule queue",
        f"receive_without_send not_addressed accounting {CLOCKS}",
    ),
    messages.receive_a_lost_message: kind("received_twice"),
    messages.exchange_two_receives: kind("fifo_violation clock_rule", CLOCKS),
    messages.change_a_receiver: kind("accounting", "not_addressed received_twice"),
    messages.add_a_receiver: kind("accounting"),
    messages.unmark_a_lost_message: kind("accounting"),
    messages.mark_a_message_as_duplicated: kind("accounting"),
    times.change_a_queue: kind("queue"),
    times.exchange_two_arrivals: kind("queue", "time_runs_back clock_offset"),
    times.turn_the_time_back: kind("time_runs_back", "clock_offset queue"),
    times.receive_before_it_arrives: kind("time_runs_back", "queue"),
    times.shift_a_wall_clock: kind("clock_offset"),
    times.repeat_a_tick: kind("ticks_missed"),
    times.act_before_it_is_due: kind("ticks_missed"),
    times.act_long_after_it_was_due: kind("ticks_missed"),
    ends.forget_an_unread_message: kind("accounting", "queue"),
    ends.forget_an_undelivered_message: kind("accounting"),
    ends.invent_an_unread_message: kind("accounting"),
    ends.invent_an_undelivered_message: kind("accounting"),
    ends.leave_a_received_message_in_the_inbox: kind("accounting"),
    ends.miscount_events: kind("index_gap"),
    ends.miscount_events_at_a_recovery: kind("index_gap returned"),
    ends.miscount_missed_ticks: kind("ticks_missed"),
}

#: "cut": the log has no end, and no crash was planned. "refused": it is not one run.
FILES: dict[Callable[[Random, Path], None], Kind] = {
    files.delete_a_log: kind("missing", "unproven"),
    files.cut_a_log_between_lines: kind("cut", "receive_without_send accounting unproven"),
    files.cut_a_log_within_a_line: kind("cut torn", "receive_without_send accounting unproven"),
    files.garble_a_line: kind("damage", "cut unproven"),
    files.drop_a_field: kind("damage", "cut unproven"),
    files.write_a_number_as_something_else: kind("damage", "cut unproven"),
    files.append_a_second_run: kind("refused"),
    files.mix_in_another_run: kind("refused"),
    files.copy_a_log: kind("refused"),
}
