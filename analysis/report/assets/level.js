// Lanes and channels prepared for one axis, so that a view of any width costs what it shows.
//
// Sorted positions are searched, not walked; counts of a range are differences of running sums;
// maxima of a range come from blocks. Nothing is sampled: what is too dense to be drawn one by
// one is counted.

import { RECEIVE, SEND } from "./history.js";

const BLOCK = 64;

/** The first place in `values[from..to)` that is not below `x`. */
export function lowerBound(values, x, from = 0, to = values.length) {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle] < x) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** One machine's events along one axis. */
export class LaneLevel {
  constructor(history, lane, x) {
    this.lane = lane;
    this.rows = sortedRows(lane, x);
    this.x = Float64Array.from(this.rows, (row) => x[row]);
    const size = this.rows.length;
    this.sends = new Uint32Array(size + 1);
    this.receives = new Uint32Array(size + 1);
    this.queue = new Float64Array(size);
    this.rows.forEach((row, n) => {
      this.sends[n + 1] = this.sends[n] + (history.kind[row] === SEND);
      this.receives[n + 1] = this.receives[n] + (history.kind[row] === RECEIVE);
      this.queue[n] = history.queue[row] || 0;
    });
    this.blocks = blockMaxima(this.queue);
  }

  /** The places of the events from `from` up to `to`, as [first, end). */
  range(from, to) {
    const first = lowerBound(this.x, from);
    let end = lowerBound(this.x, to, first);
    while (end < this.x.length && this.x[end] === to) end++;
    return [first, end];
  }

  peakQueue(first, end) {
    return rangeMaximum(this.queue, this.blocks, first, end);
  }
}

/** One directed pair of machines along one axis: its messages, by the place of their send. */
export class ChannelLevel {
  constructor(from, to, messages, begin, finish) {
    Object.assign(this, { from, to, messages });
    this.begin = Float64Array.from(messages, (m) => begin[m]);
    this.low = Float64Array.from(messages, (m) => Math.min(begin[m], finish[m]));
    this.high = Float64Array.from(messages, (m) => Math.max(begin[m], finish[m]));
    this.highest = blockMaxima(this.high);
    this.reach = new Float64Array(messages.length + 1);
    messages.forEach((m, n) => (this.reach[n + 1] = this.reach[n] + finish[m] - begin[m]));
  }

  /** Call `take` with every message that crosses a range; stop when it answers false. */
  each(from, to, take) {
    const { low, high, highest, messages } = this;
    for (let block = 0; block < highest.length; block++) {
      if (highest[block] < from) continue;
      const end = Math.min(messages.length, (block + 1) * BLOCK);
      for (let n = block * BLOCK; n < end; n++) {
        if (low[n] > to || high[n] < from) continue;
        if (take(messages[n]) === false) return false;
      }
      // Sends are in order: behind the range there is only what reaches back into it.
      if (this.begin[end - 1] > to && !this.reachesBack) return true;
    }
    return true;
  }

  /** How many messages were sent within a range, and how far they reach on average. */
  bundle(from, to) {
    const first = lowerBound(this.begin, from);
    const end = lowerBound(this.begin, to, first);
    return [end - first, (this.reach[end] - this.reach[first]) / (end - first)];
  }
}

/** All channels along one axis; `finish` is where a message ends, its begin where it never did. */
export function channelLevels(history, axis) {
  const { send, receive, receiver, place, count } = history.messages;
  const inbox = history.head.places.indexOf("inbox");
  const begin = Float64Array.from(send, (row) => axis.x[row]);
  const finish = Float64Array.from(begin, (x, m) => {
    if (receive[m] >= 0) return axis.x[receive[m]];
    return place[m] === inbox && axis.arrivals ? axis.high : x;
  });
  const channels = [];
  for (let first = 0; first < count; ) {
    const from = history.lane[send[first]];
    let end = first + 1;
    while (end < count && history.lane[send[end]] === from && receiver[end] === receiver[first]) end++;
    const messages = Int32Array.from({ length: end - first }, (_, n) => first + n);
    messages.sort((a, b) => begin[a] - begin[b] || a - b);
    const level = new ChannelLevel(from, receiver[first], messages, begin, finish);
    level.reachesBack = messages.some((m) => finish[m] < begin[m]);
    channels.push(level);
    first = end;
  }
  return { channels, begin, finish };
}

function sortedRows(lane, x) {
  const rows = Int32Array.from({ length: lane.events }, (_, n) => lane.first + n);
  for (let n = 1; n < rows.length; n++) {
    if (x[rows[n]] < x[rows[n - 1]]) return rows.sort((a, b) => x[a] - x[b] || a - b);
  }
  return rows;
}

function blockMaxima(values) {
  const blocks = new Float64Array(Math.ceil(values.length / BLOCK)).fill(-Infinity);
  values.forEach((value, n) => {
    if (value > blocks[(n / BLOCK) | 0]) blocks[(n / BLOCK) | 0] = value;
  });
  return blocks;
}

function rangeMaximum(values, blocks, first, end) {
  let highest = 0;
  for (let n = first; n < end; ) {
    if (n % BLOCK === 0 && n + BLOCK <= end) {
      highest = Math.max(highest, blocks[n / BLOCK]);
      n += BLOCK;
    } else highest = Math.max(highest, values[n++]);
  }
  return highest;
}
