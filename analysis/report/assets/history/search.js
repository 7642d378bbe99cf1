// Searching events by field: `kind:receive machine:vm2 queue>3 at<12.5 lost`.

import { origin } from "./describe.js";
import { RECEIVE, SEND } from "./history.js";
import { COMPARE } from "../page/tables.js";

const TERM = /^([a-z_ ]+?)(>=|<=|!=|[:=<>])(.+)$/i;
const OPERATORS = { ...COMPARE, ":": COMPARE["="], "!=": (a, b) => a !== b };

/** Return {rows, mask} of the events that match a query, and a problem if it is invalid; null for an empty query. */
export function search(history, query) {
  const terms = query.trim().split(/\s+/).filter(Boolean);
  if (!terms.length) return null;
  const tests = [];
  for (const term of terms) {
    const test = termTest(history, term);
    if (typeof test === "string") return { problem: test, rows: new Int32Array(0), mask: new Uint8Array(history.count) };
    tests.push(test);
  }
  const mask = new Uint8Array(history.count);
  const rows = [];
  for (const row of history.byTime()) {
    if (tests.every((test) => test(row))) {
      mask[row] = 1;
      rows.push(row);
    }
  }
  return { mask, rows: Int32Array.from(rows) };
}

function termTest(history, term) {
  const parts = TERM.exec(term);
  if (!parts || history.row(term) >= 0) return wordTest(history, term.toLowerCase());
  const [, name, operator, value] = parts;
  const field = fields(history)[name.toLowerCase()];
  if (!field) return `no field ${name}; fields: ${Object.keys(fields(history)).join(", ")}`;
  return field.number ? numberTest(field, operator, value, name) : textTest(field, operator, value);
}

function numberTest({ number }, operator, value, name) {
  const wanted = Number(value);
  if (Number.isNaN(wanted)) return `${name} is compared with numbers, not with ${value}`;
  return (row) => OPERATORS[operator](number(row), wanted);
}

function textTest({ text }, operator, value) {
  const pattern = value.toLowerCase().replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
  const matches = new RegExp(`^${pattern}$`);
  const wanted = operator !== "!=";
  return (row) => text(row).some((one) => matches.test(one.toLowerCase())) === wanted;
}

/** Match a single word: an event's name, a kind, a machine, the end of a message, or a check. */
function wordTest(history, word) {
  const known = fields(history);
  const texts = (row) => [history.name(row), ...known.kind.text(row), ...known.machine.text(row),
    ...known.to.text(row), ...known.from.text(row), ...known.end.text(row), ...known.check.text(row)];
  return (row) => texts(row).some((text) => text.toLowerCase().includes(word));
}

function fields(history) {
  return (history.fields ??= {
    machine: { text: (row) => [history.lanes[history.lane[row]].name] },
    kind: { text: (row) => [history.head.kinds[history.kind[row]]] },
    to: { text: (row) => sent(history, row, (m) => history.head.names[history.messages.receiver[m]]) },
    from: { text: (row) => (history.kind[row] === RECEIVE ? [origin(history, row).sender ?? ""] : []) },
    end: { text: (row) => sent(history, row, (m) => history.head.ends[history.messages.end[m]]) },
    check: { text: (row) => history.checks.get(row) ?? [] },
    index: { number: (row) => history.index[row] },
    tick: { number: (row) => history.tick[row] },
    queue: { number: (row) => history.queue[row] },
    cause: { number: (row) => (history.kind[row] === RECEIVE ? origin(history, row).cause : NaN) },
    at: { number: (row) => history.at[row] / 1e9 },
    late_ms: { number: (row) => (history.at[row] - history.due[row]) / 1e6 },
    flight_ms: { number: (row) => received(history, row, (m, sent) => history.messages.arrived[m] - history.at[sent]) },
    wait_ms: { number: (row) => received(history, row, (m) => history.at[row] - history.messages.arrived[m]) },
    line: { number: (row) => history.columns.line[row] },
    clock: { number: (row) => history.main[row] },
    ...Object.fromEntries(
      history.clocks.filter(({ vector }) => !vector).map(({ name, parts }) => [name, { number: (row) => parts[0][row] }]),
    ),
  });
}

function sent(history, row, text) {
  return history.kind[row] === SEND ? [...history.sentBy(row)].map(text) : [];
}

function received(history, row, amount) {
  const message = history.receivedAs[row];
  return message < 0 ? NaN : amount(message, history.messages.send[message]) / 1e6;
}
