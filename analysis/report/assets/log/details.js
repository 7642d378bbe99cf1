// The selected event in detail, and the causal path between two events.

import { path } from "../history/causality.js";
import { ENDS, origin, sentence } from "../history/describe.js";
import { RECEIVE, SEND } from "../history/history.js";
import { list, made, table } from "../page/elements.js";
import { grouped, instant, many, span } from "../page/format.js";

export class Details {
  constructor(element, live, history, show) {
    Object.assign(this, { element, live, history, show });
    element.addEventListener("click", ({ target }) => {
      const link = target.closest("[data-row]");
      if (link) show(Number(link.dataset.row));
    });
    this.empty = element.firstElementChild;
  }

  /** Show the selected events; `cone` and `claims` belong to the first. */
  draw(selected, target, { cone, claims, clocks }) {
    if (selected < 0) {
      this.element.replaceChildren(this.empty);
      return;
    }
    const parts = [this.#event(selected), ...this.#claims(selected, clocks, claims), this.#relations(cone)];
    if (target >= 0) parts.unshift(this.#path(selected, target, cone.relation(target)), this.#event(target));
    this.element.replaceChildren(...parts);
    this.live.textContent = this.#spoken(selected, target, cone);
  }

  #spoken(selected, target, cone) {
    if (target >= 0) return `${this.history.name(target)} is ${RELATIONS[cone.relation(target)]} ${this.history.name(selected)}`;
    const counts = `${many(cone.past, "event")} in its past, ${cone.future} in its future, ${cone.concurrent} concurrent`;
    return `${sentence(this.history, selected)}; ${counts}`;
  }

  #event(row) {
    const { history } = this;
    const rows = FIELDS.flatMap(([name, value]) => {
      const text = value(history, row, this);
      return text === "" || text === undefined ? [] : [[name, text]];
    });
    const clocks = history.clocks.map((clock) => [`clock ${clock.name}`, history.reading(clock, row)]);
    return made("section", {}, made("h4", {}, history.name(row)), list([...rows, ...clocks]));
  }

  #relations(cone) {
    const { history } = this;
    const line = (name, ...counts) => [name, ...counts.map(grouped)];
    const lines = history.lanes.map((lane, n) => {
      const before = cone.pastEnd[n] - lane.first;
      const after = lane.end - cone.futureBegin[n];
      return line(lane.name, before, lane.events - before - after - (n === history.lane[cone.row] ? 1 : 0), after);
    });
    const total = line("all", cone.past, cone.concurrent, cone.future);
    const head = ["machine", "past", "concurrent", "future"];
    return made(
      "section",
      {},
      made("h4", {}, "Relation to the other events"),
      table(head, [...(lines.length > 12 ? [] : lines), total]),
    );
  }

  /** Show what the chosen clocks claim about the selected event, and where they differ. */
  #claims(row, clocks, claims) {
    const { history } = this;
    const shown = clocks.flatMap((clock, n) => (clock ? [[clock, claims[n]]] : []));
    const sections = shown.map(([clock, claim]) => {
      const sentences = claim?.sentences() ?? [`This page has no rule for the order of ${clock.name}.`];
      return made("div", {}, list([[clock.name, history.reading(clock, row)]]), ...sentences.map((text) => made("p", {}, text)));
    });
    if (shown.length > 1 && claims[0] && claims[1]) sections.push(made("p", {}, difference(claims)));
    return shown.length ? [made("section", { className: "claims" }, made("h4", {}, "The order by the clock"), ...sections)] : [];
  }

  #path(selected, target, relation) {
    const { history } = this;
    const [first, last] = relation === "past" ? [target, selected] : [selected, target];
    const hops = relation === "concurrent" ? null : path(history, first, last);
    const names = `${history.name(first)} → ${history.name(last)}`;
    if (!hops) {
      const neither = `No causal path leads from ${history.name(selected)} to ${history.name(target)}, nor back: they are concurrent. Neither can have influenced the other.`;
      return made("section", { className: "path" }, made("h4", {}, "No path"), made("p", {}, neither));
    }
    const messages = hops.filter(({ message }) => message >= 0).length;
    const summary = `${history.name(first)} happened before ${history.name(last)}, over ${many(messages, "message")}:`;
    const steps = hops.map((hop) => made("li", {}, this.link(hop.from), " → ", this.link(hop.to), `: ${this.#reason(hop)}`));
    return made("section", { className: "path" }, made("h4", {}, names), made("p", {}, summary), made("ol", {}, ...steps));
  }

  #reason({ from, to, message }) {
    const { history } = this;
    const lane = history.lanes[history.lane[to]].name;
    if (message < 0) return `same machine, ${many(to - from, "event")} later`;
    return `message of ${history.name(from)}, received by ${lane} ${span(history.at[to] - history.at[from])} after its send`;
  }

  /** Create a button that shows an event. */
  link(row) {
    return made("button", { className: "event-link", type: "button", dataset: { row } }, this.history.name(row));
  }
}

function difference([first, second]) {
  const differing = first.differences(second).reduce((sum, one) => sum + one, 0);
  const names = `${first.clock.name} and ${second.clock.name}`;
  return differing ? `${names} order ${many(differing, "event")} differently against this one.` : `${names} order all events alike against this one.`;
}

const RELATIONS = {
  self: "the same event as",
  past: "in the causal past of",
  future: "in the causal future of",
  concurrent: "concurrent to",
};

/** The fields of an event, in order; empty ones are omitted. */
const FIELDS = [
  ["kind", (history, row) => history.head.kinds[history.kind[row]]],
  ["at", (history, row) => instant(history.at[row])],
  ["due", (history, row) => (history.due[row] >= 0 ? `${instant(history.due[row])}, ${span(history.at[row] - history.due[row])} late` : "")],
  ["tick", (history, row) => (history.tick[row] >= 0 ? grouped(history.tick[row]) : "")],
  ["queue", (history, row) => (history.queue[row] >= 0 ? `${many(history.queue[row], "message")} left in the inbox` : "")],
  ["sent to", (history, row, details) => history.kind[row] === SEND && receivers(history, row, details)],
  ["received from", (history, row, details) => history.kind[row] === RECEIVE && source(history, row, details)],
  ["in flight", (history, row) => (history.receivedAs[row] >= 0 ? flight(history, history.receivedAs[row]) : "")],
  ["violates", (history, row) => (history.checks.get(row) ?? []).join(", ")],
  ["log", (history, row) => (history.columns.line[row] >= 0 ? `${history.lanes[history.lane[row]].file}:${history.columns.line[row]}` : "")],
].map(([name, value]) => [name, (...given) => value(...given) || ""]);

function receivers(history, row, details) {
  const { receive, receiver, end } = history.messages;
  return [...history.sentBy(row)].map((message) => {
    const to = history.head.names[receiver[message]];
    const ended = history.head.ends[end[message]];
    return receive[message] >= 0
      ? made("div", {}, `${to}: `, details.link(receive[message]))
      : made("div", {}, `${to}: ${ENDS[ended]}`);
  });
}

function source(history, row, details) {
  const message = history.receivedAs[row];
  if (message >= 0) return [details.link(history.messages.send[message])];
  const { sender, cause } = origin(history, row);
  if (!sender) return "unknown";
  return cause >= 0 ? `${sender}:${cause}, which did not send to this machine` : `${sender}; the log does not name the send`;
}

function flight(history, message) {
  const { arrived, send, receive } = history.messages;
  if (Number.isNaN(arrived[message])) return "";
  const flown = span(arrived[message] - history.at[send[message]]);
  return `${flown}, then ${span(history.at[receive[message]] - arrived[message])} in the inbox`;
}
