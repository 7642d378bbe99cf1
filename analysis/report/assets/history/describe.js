// Texts about events and messages.

import { instant } from "../page/format.js";
import { RECEIVE, SEND } from "./history.js";

/** Name the other machines of an event's messages: "to vm2, vm3", "from vm1". */
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

/** Return the sender and index of the event that a receive names as its cause. */
export function origin(history, row) {
  const message = history.receivedAs[row];
  if (message < 0) return history.orphans.get(row) ?? {};
  const sent = history.messages.send[message];
  return { sender: history.lanes[history.lane[sent]].name, cause: history.index[sent] };
}

/** Describe an event in one line, for the live region and tooltips. */
export function sentence(history, row) {
  const kind = history.head.kinds[history.kind[row]];
  const clocks = history.clocks.map((clock) => `${clock.name} ${history.reading(clock, row)}`);
  const parts = [`${history.name(row)} ${kind} ${partners(history, row)}`.trim()];
  return [...parts, `at ${instant(history.at[row])}`, ...clocks].join(", ");
}

/** Texts for the ends of messages. */
export const ENDS = {
  received: "received",
  inbox: "left in the inbox at the end",
  open: "received, but the receive is ambiguous",
  undelivered: "never acknowledged",
  lost: "lost to a fault",
  unlogged: "sent to a machine without a log",
  died: "died with a killed machine",
  claimed: "received, but never sent",
  unaccounted: "unaccounted for",
};
