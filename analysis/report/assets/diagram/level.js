// Lanes and channels prepared for one axis, so that the cost of a view depends on its marks only.
//
// Sorted positions are found by binary search; counts of a range are differences of running sums;
// maxima of a range come from blocks. Nothing is sampled: marks too dense to draw are counted.

import { RECEIVE, SEND } from "../history/history.js";
import { mapped } from "../page/arrays.js";

const BLOCK = 64;

/** Return the first index in `values[from..to)` with a value of at least `x`. */
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
    this.rows = sorted(mapped(Int32Array, lane.events, (n) => lane.first + n), x);
    this.x = mapped(Float64Array, this.rows.length, (n) => x[this.rows[n]]);
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

  /** Return the indexes of the events between two positions, both included, as [first, end). */
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

/** One channel along one axis: its messages in the order of their sends. */
class ChannelLevel {
  constructor(from, to, messages, begin, finish) {
    Object.assign(this, { from, to, messages });
    this.begin = mapped(Float64Array, messages.length, (n) => begin[messages[n]]);
    this.low = mapped(Float64Array, messages.length, (n) => Math.min(begin[messages[n]], finish[messages[n]]));
    this.high = mapped(Float64Array, messages.length, (n) => Math.max(begin[messages[n]], finish[messages[n]]));
    this.highest = blockMaxima(this.high);
    this.reachesBack = messages.some((m) => finish[m] < begin[m]);
    this.reach = new Float64Array(messages.length + 1);
    messages.forEach((m, n) => (this.reach[n + 1] = this.reach[n] + finish[m] - begin[m]));
  }

  /** Call `take` with every message that overlaps a range; stop when it returns false. */
  each(from, to, take) {
    const { low, high, highest, messages } = this;
    for (let block = 0; block < highest.length; block++) {
      if (highest[block] < from) continue;
      const end = Math.min(messages.length, (block + 1) * BLOCK);
      for (let n = block * BLOCK; n < end; n++) {
        if (low[n] > to || high[n] < from) continue;
        if (take(messages[n]) === false) return false;
      }
      // Sends are in order: after the range, only messages that lead back can overlap it.
      if (this.begin[end - 1] > to && !this.reachesBack) return true;
    }
    return true;
  }

  /**
   * Divide an axis from `from` on into columns of equal width. For each column with sends, call
   * `take` with the column, the number of its messages and their mean length along the axis.
   */
  bundles(from, width, columns, take) {
    const { begin, reach } = this;
    let first = lowerBound(begin, from);
    const last = lowerBound(begin, from + width * columns, first);
    while (first < last) {
      const column = Math.min(columns - 1, Math.floor((begin[first] - from) / width));
      const end = this.#endOf(from + width * (column + 1), first, last);
      take(column, end - first, (reach[end] - reach[first]) / (end - first));
      first = end;
    }
  }

  /** Return the first message from `first` on sent at `x` or later; usually it is near. */
  #endOf(x, first, last) {
    let end = first + 1;
    for (let steps = 0; end < last && this.begin[end] < x; end++) {
      if (++steps > 16) return lowerBound(this.begin, x, end, last);
    }
    return end;
  }
}

/** Return all channels along one axis; `finish` is the end of a message, or its begin if it has none. */
export function channelLevels(history, axis) {
  const { send, receive, receiver, end: ended, count } = history.messages;
  const inbox = history.head.ends.indexOf("inbox");
  const begin = mapped(Float64Array, count, (m) => axis.x[send[m]]);
  const finish = mapped(Float64Array, count, (m) => {
    if (receive[m] >= 0) return axis.x[receive[m]];
    return ended[m] === inbox && axis.arrivals ? axis.high : begin[m];
  });
  const channels = [];
  for (let first = 0; first < count; ) {
    const from = history.lane[send[first]];
    let end = first + 1;
    while (end < count && history.lane[send[end]] === from && receiver[end] === receiver[first]) end++;
    const messages = sorted(mapped(Int32Array, end - first, (n) => first + n), begin);
    const level = new ChannelLevel(from, receiver[first], messages, begin, finish);
    channels.push(level);
    first = end;
  }
  return { channels, begin, finish };
}

/** Sort indexes by their values; usually they are sorted already. */
function sorted(numbers, values) {
  for (let n = 1; n < numbers.length; n++) {
    if (values[numbers[n]] < values[numbers[n - 1]]) return numbers.sort((a, b) => values[a] - values[b] || a - b);
  }
  return numbers;
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
