// How numbers, times and events are said.

import { RECEIVE, SEND } from "./history.js";

const SECOND_NS = 1e9;
const UNITS = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];

export const grouped = (number) => number.toLocaleString("en");

export function many(count, word) {
  return `${grouped(count)} ${word}${count === 1 ? "" : "s"}`;
}

/** An instant, to the microsecond. */
export function instant(ns) {
  return `${(ns / SECOND_NS).toFixed(6)} s`;
}

/** A span of time in the unit that suits it. */
export function span(ns) {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(ns) >= size) ?? UNITS[3];
  return `${+(ns / size).toPrecision(4)} ${unit}`;
}

/** Who is at the other end of an event's messages: "to vm2, vm3", "from vm1". */
export function partners(history, row) {
  const names = history.head.names;
  if (history.kind[row] === SEND) {
    const to = [...history.sentBy(row)].map((message) => names[history.messages.receiver[message]]);
    return to.length ? `to ${to.join(", ")}` : "";
  }
  if (history.kind[row] !== RECEIVE) return "";
  const cause = origin(history, row);
  return cause.sender ? `from ${cause.sender}` : "";
}

/** The sender and the index of the event that a receive names as its cause. */
export function origin(history, row) {
  const message = history.receivedAs[row];
  if (message < 0) return history.orphans.get(row) ?? {};
  const sent = history.messages.send[message];
  return { sender: history.lanes[history.lane[sent]].name, cause: history.index[sent] };
}

/** One line about an event, for the live region and the title of marks. */
export function sentence(history, row) {
  const kind = history.head.kinds[history.kind[row]];
  const clocks = history.clocks.map((clock) => `${clock.name} ${history.reading(clock, row)}`);
  const parts = [`${history.name(row)} ${kind} ${partners(history, row)}`.trim()];
  return [...parts, `at ${instant(history.at[row])}`, ...clocks].join(", ");
}
