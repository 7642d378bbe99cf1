// Happened-before, computed from program order and messages only.
//
// The past of an event on one machine is a prefix of that machine's events, its future a suffix
// (Fidge 1988, Mattern 1989). So each is one number per lane, found by extending prefixes or
// suffixes until no message leads out of them; each event is visited once.

import { RECEIVE, SEND } from "./history.js";

/** Return, per lane, the row after the last event that happened before `row`. */
export function past(history, row) {
  const end = Int32Array.from(history.lanes, (lane) => lane.first);
  const { send } = history.messages;
  const due = [row];
  while (due.length) {
    const last = due.pop();
    const lane = history.lane[last];
    for (let at = end[lane]; at <= last; at++) {
      const message = history.kind[at] === RECEIVE ? history.receivedAs[at] : -1;
      if (message >= 0 && send[message] >= end[history.lane[send[message]]]) due.push(send[message]);
    }
    end[lane] = Math.max(end[lane], last + 1);
  }
  end[history.lane[row]] = row;
  return end;
}

/** Return, per lane, the row of the first event that `row` happened before. */
export function future(history, row) {
  const begin = Int32Array.from(history.lanes, (lane) => lane.end);
  const { receive } = history.messages;
  const due = [row];
  while (due.length) {
    const first = due.pop();
    const lane = history.lane[first];
    for (let at = begin[lane] - 1; at >= first; at--) {
      if (history.kind[at] !== SEND) continue;
      for (const message of history.sentBy(at)) {
        const reached = receive[message];
        if (reached >= 0 && reached < begin[history.lane[reached]]) due.push(reached);
      }
    }
    begin[lane] = Math.min(begin[lane], first);
  }
  begin[history.lane[row]] = row + 1;
  return begin;
}

/** An event's past, future and concurrent events: their counts, and the relation of any row. */
export class Cone {
  constructor(history, row) {
    this.history = history;
    this.row = row;
    this.pastEnd = past(history, row);
    this.futureBegin = future(history, row);
    const { lanes } = history;
    this.past = lanes.reduce((sum, lane, n) => sum + this.pastEnd[n] - lane.first, 0);
    this.future = lanes.reduce((sum, lane, n) => sum + lane.end - this.futureBegin[n], 0);
    this.concurrent = history.count - 1 - this.past - this.future;
  }

  /** Return "self", "past", "future" or "concurrent". */
  relation(row) {
    if (row === this.row) return "self";
    const lane = this.history.lane[row];
    if (row < this.pastEnd[lane]) return "past";
    return row >= this.futureBegin[lane] ? "future" : "concurrent";
  }
}

/** Return the causal depth of every event: the length of the longest causal chain that ends in it. */
export function depths(history) {
  const { lanes, kind, receivedAs, lane: laneOf } = history;
  const { send } = history.messages;
  const depth = new Int32Array(history.count);
  const next = Int32Array.from(lanes, (lane) => lane.first);
  const waiting = new Map();
  const ready = lanes.map((_, lane) => lane);
  const follow = (lane) => {
    for (let row = next[lane]; row < lanes[lane].end; row++) {
      const message = kind[row] === RECEIVE ? receivedAs[row] : -1;
      const cause = message >= 0 ? send[message] : -1;
      if (cause >= next[laneOf[cause]]) {
        next[lane] = row;
        waiting.set(cause, [...(waiting.get(cause) ?? []), lane]);
        return;
      }
      const before = row > lanes[lane].first ? depth[row - 1] : 0;
      depth[row] = 1 + Math.max(before, cause >= 0 ? depth[cause] : 0);
      next[lane] = row + 1;
      if (kind[row] === SEND && waiting.has(row)) {
        ready.push(...waiting.get(row));
        waiting.delete(row);
      }
    }
  };
  while (ready.length) follow(ready.pop());
  // Events after a causal cycle continue from their predecessor, so that a broken history is still drawn.
  lanes.forEach((lane, n) => {
    for (let row = next[n]; row < lane.end; row++) depth[row] = 1 + (row > lane.first ? depth[row - 1] : 0);
  });
  return depth;
}

/**
 * Return the causal path with the fewest messages from one event to a later one, as hops
 * {from, to, message}; message -1 is a hop on one machine. null if there is no path.
 */
export function path(history, from, to) {
  const { lanes } = history;
  const { receive } = history.messages;
  const reached = lanes.map(() => Infinity);
  const unseen = Int32Array.from(lanes, (lane) => lane.end);
  reached[history.lane[from]] = from;
  let layer = [{ row: from }];
  while (layer.length) {
    const found = layer.find(({ row }) => history.lane[row] === history.lane[to] && row <= to);
    if (found) return trace(history, found, from, to);
    const next = new Map();
    for (const step of layer) {
      const lane = history.lane[step.row];
      for (let at = unseen[lane] - 1; at >= step.row; at--) {
        if (history.kind[at] !== SEND) continue;
        for (const message of history.sentBy(at)) {
          const row = receive[message];
          if (row < 0 || row >= reached[history.lane[row]]) continue;
          reached[history.lane[row]] = row;
          next.set(history.lane[row], { row, message, from: step });
        }
      }
      unseen[lane] = Math.min(unseen[lane], step.row);
    }
    layer = [...next.values()];
  }
  return null;
}

function trace(history, last, from, to) {
  const hops = [];
  let end = to;
  for (let step = last; step; step = step.from) {
    if (step.row < end) hops.unshift({ from: step.row, to: end, message: -1 });
    if (step.message === undefined) break;
    const sent = history.messages.send[step.message];
    hops.unshift({ from: sent, to: step.row, message: step.message });
    end = sent;
  }
  return hops;
}
