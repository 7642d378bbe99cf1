"""Faults of the channels of a history, for clocks that need all messages once and in order."""

import numpy as np

from analysis.clocks.walk import Walk


def fifo_problem(walk: Walk) -> str:
    """Return the first fault of a channel that does not deliver all messages once and in order, or
    "". Messages that are still on their way at the end are no fault."""
    known = walk.known
    if len(walk.unknown):
        machine, index = known.name(int(walk.unknown[0]))
        return f"the send of event {index} of {machine} is not known"
    channel = known.machine[walk.send].astype(np.int64) * len(known.machines) + walk.receiver
    by_channel = np.argsort(channel, kind="stable")
    number = _numbers(channel[by_channel])
    place = np.empty(len(number), np.int64)
    place[by_channel] = number
    order = np.lexsort((walk.received, walk.receives, channel[walk.received]))
    received = walk.received[order]
    due = _numbers(channel[received])
    wrong = np.flatnonzero(place[received] != due)
    if not len(wrong):
        return ""
    message, number_due = int(received[wrong[0]]), int(due[wrong[0]])
    if place[message] < number_due:
        return f"{_named(walk, message)} was received twice"
    first = np.searchsorted(channel[by_channel], channel[message])
    missing = int(by_channel[first + number_due])
    how = "was overtaken" if walk.uses[missing] else "was not received, but a later one was"
    return f"{_named(walk, missing)} {how}"


def _numbers(channel: np.ndarray) -> np.ndarray:
    """Number the entries of each channel from 0; those of a channel are together."""
    begins = np.flatnonzero(np.diff(channel, prepend=-1))
    return np.arange(len(channel)) - np.repeat(begins, np.diff(begins, append=len(channel)))


def _named(walk: Walk, message: int) -> str:
    machine, index = walk.known.name(int(walk.send[message]))
    receiver = walk.known.machines[walk.receiver[message]]
    return f"the message of event {index} of {machine} to {receiver}"
