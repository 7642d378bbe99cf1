// The history of a run: events as rows, lanes of rows, messages between rows.

import { mapped } from "../page/arrays.js";

export const INTERNAL = 0;
export const SEND = 1;
export const RECEIVE = 2;

/** Return rows as integers, -1 for none. */
const rowsOf = (column) => mapped(Int32Array, column.length, (n) => (column[n] >= 0 ? column[n] : -1));

export class History {
  constructor(head, columns) {
    this.head = head;
    this.columns = columns;
    this.count = columns.kind.length;
    this.kind = new Uint8Array(columns.kind);
    this.index = columns.index;
    this.queue = columns.queue;
    this.tick = columns.tick;
    this.due = columns.due_ns;
    this.at = mapped(Float64Array, this.count, (row) => columns.late_ns[row] + (this.due[row] || 0));
    this.#layLanes(head.machines);
    this.#readClocks(head.clocks);
    this.#joinMessages(head, columns);
    this.#readViolations(head.violations);
  }

  #layLanes(machines) {
    this.lane = new Uint16Array(this.count);
    let first = 0;
    this.lanes = machines.map((machine, lane) => {
      const end = first + machine.events;
      this.lane.fill(lane, first, end);
      const spanned = { ...machine, lane, first, end };
      first = end;
      return spanned;
    });
    this.laneNamed = new Map(this.lanes.map((lane) => [lane.name, lane]));
  }

  #readClocks(clocks) {
    const { head } = this;
    this.clocks = clocks
      .filter(({ name }) => !head.left_out.includes(name))
      .map((clock) => ({ ...clock, vector: clock.column !== "number", ...this.#timestamps(clock) }));
    this.clockNamed = new Map(this.clocks.map((clock) => [clock.name, clock]));
    const main = this.clocks.find(({ name }) => name === head.main);
    this.main = this.columns.main ?? (main.vector ? summed(main.parts, this.count) : main.parts[0]);
  }

  /** Return a clock's numbers by place and row, or its texts by row. */
  #timestamps({ name, column, widths }) {
    const { columns } = this;
    if (column === "number") return { parts: [columns[`clock ${name}`]] };
    if (column === "text") return { texts: cutTexts(columns[`clock ${name}`], columns[`clock ${name} bytes`]) };
    const places = widths.reduce((sum, width) => sum + width, 0);
    return { parts: Array.from({ length: places }, (_, n) => columns[`clock ${name} ${n}`]) };
  }

  #joinMessages(head, columns) {
    const send = rowsOf(columns.send);
    const receive = rowsOf(columns.receive);
    const count = send.length;
    this.messages = {
      count,
      send,
      receive,
      receiver: new Uint16Array(columns.receiver),
      copy: new Uint8Array(columns.copy),
      end: new Uint8Array(columns.end),
      arrived: mapped(Float64Array, count, (m) => columns.flight_ns[m] + this.at[send[m]]),
    };
    this.late = new Uint8Array(columns.late);
    this.receivedAs = new Int32Array(this.count).fill(-1);
    for (let m = 0; m < count; m++) if (receive[m] >= 0) this.receivedAs[receive[m]] = m;
    this.#groupBySend(send);
    this.orphans = new Map();
    rowsOf(columns.orphan).forEach((row, n) => {
      const sender = columns["orphan sender"][n];
      this.orphans.set(row, { sender: head.names[sender], cause: columns["orphan cause"][n] });
    });
  }

  /** Collect the violated checks of each row. */
  #readViolations(violations) {
    this.checks = new Map();
    for (const { check, machine, index } of violations) {
      const row = this.row(`${machine}:${index}`);
      if (row >= 0) this.checks.set(row, [...(this.checks.get(row) ?? []), check]);
    }
  }

  /** Group messages by the row of their send: `sent[firstSent[row]]` and following. */
  #groupBySend(send) {
    this.firstSent = new Int32Array(this.count + 1);
    for (const row of send) this.firstSent[row + 1]++;
    for (let row = 0; row < this.count; row++) this.firstSent[row + 1] += this.firstSent[row];
    const next = this.firstSent.slice();
    this.sent = new Int32Array(send.length);
    send.forEach((row, m) => (this.sent[next[row]++] = m));
  }

  /** Return the messages sent by a row. */
  sentBy(row) {
    return this.sent.subarray(this.firstSent[row], this.firstSent[row + 1]);
  }

  /** Return all rows in order of wall time; rows of one instant in order of the lanes. */
  byTime() {
    this.ordered ??= mergedRuns(this.at, this.count);
    return this.ordered;
  }

  /** Return the name of an event, the same everywhere in the page. */
  name(row) {
    return `${this.lanes[this.lane[row]].name}:${this.index[row]}`;
  }

  /** Return the row of the event with a name, -1 if there is none. */
  row(name) {
    const colon = name.lastIndexOf(":");
    const lane = this.laneNamed.get(name.slice(0, colon));
    const index = Number(name.slice(colon + 1));
    if (!lane || colon < 0 || !Number.isInteger(index)) return -1;
    const guess = lane.first + index;
    if (guess < lane.end && this.index[guess] === index) return guess;
    for (let row = lane.first; row < lane.end; row++) if (this.index[row] === index) return row;
    return -1;
  }

  /** Count messages by their end. */
  ends() {
    const counts = new Array(this.head.ends.length).fill(0);
    for (const end of this.messages.end) counts[end]++;
    return Object.fromEntries(this.head.ends.map((name, n) => [name, counts[n]]));
  }

  /** Return the numbers of a timestamp, as lists. */
  lists(clock, row) {
    const numbers = clock.parts.map((part) => part[row]);
    if (clock.column !== "lists") return [numbers];
    let first = 0;
    return clock.widths.map((width) => numbers.slice(first, (first += width)));
  }

  /** Return a clock's reading at an event without brackets and spaces, and cut if it is a long text. */
  compact(clock, row) {
    if (clock.texts) return clock.texts[row].length > 24 ? `${clock.texts[row].slice(0, 22)}…` : clock.texts[row];
    return this.lists(clock, row).map((numbers) => numbers.join(" ")).join(" | ");
  }

  /** Return a clock's reading at an event, as logged. */
  reading(clock, row) {
    if (clock.texts) return clock.texts[row];
    const lists = this.lists(clock, row).map((numbers) => numbers.join(", "));
    if (clock.column === "lists") return `[${lists.map((numbers) => `[${numbers}]`).join(", ")}]`;
    return clock.vector ? `[${lists[0]}]` : lists[0];
  }
}

/** Cut the bytes of many texts into texts. */
function cutTexts(bytes, lengths) {
  const decoder = new TextDecoder();
  const whole = Uint8Array.from(bytes);
  let first = 0;
  return Array.from(lengths, (length) => decoder.decode(whole.subarray(first, (first += length || 0))));
}

function summed(parts, count) {
  const sum = new Float64Array(count);
  for (const part of parts) for (let row = 0; row < count; row++) sum[row] += part[row];
  return sum;
}

/** Sort rows by their values: merge ascending sequences, which usually are lanes, in pairs. */
function mergedRuns(values, count) {
  let from = mapped(Int32Array, count, (row) => row);
  let to = new Int32Array(count);
  let ends = [];
  for (let row = 1; row <= count; row++) if (row === count || values[row] < values[row - 1]) ends.push(row);
  while (ends.length > 1) {
    const merged = [];
    for (let run = 0; run < ends.length; run += 2) {
      const begin = run ? ends[run - 1] : 0;
      const end = ends[run + 1] ?? ends[run];
      let left = begin, right = ends[run];
      for (let at = begin; at < end; at++) {
        const takesLeft = right >= end || (left < ends[run] && values[from[left]] <= values[from[right]]);
        to[at] = from[takesLeft ? left++ : right++];
      }
      merged.push(end);
    }
    [from, to, ends] = [to, from, merged];
  }
  return from;
}
