// The log as a table; only its visible rows exist as elements.

import { origin, partners } from "../history/describe.js";
import { RECEIVE } from "../history/history.js";
import { made } from "../page/elements.js";
import { instant } from "../page/format.js";

const ROW_PX = 26;
/** The tallest layout of browsers; a longer log scrolls by rows instead of pixels. */
const MAX_PX = 8_000_000;

export class LogTable {
  constructor(element, history, state, show) {
    Object.assign(this, { element, history, state, show });
    this.body = element.querySelector(".log-rows");
    this.space = element.querySelector(".log-space");
    this.columns = COLUMNS.filter((column) => !column.without?.(history)).concat(
      history.clocks.map((clock) => ({
        title: clock.name,
        text: (_, row) => history.reading(clock, row),
        className: clock.vector ? "wide" : "number",
      })),
    );
    this.#head();
    element.addEventListener("scroll", () => this.draw(), { passive: true });
    element.addEventListener("click", (event) => this.#clicked(event));
    element.addEventListener("keydown", (event) => this.#pressed(event));
    new ResizeObserver(() => this.draw()).observe(element);
    this.order();
  }

  /** Choose rows, in order of time: all, those of shown machines, or only search hits. */
  order() {
    const { history, state } = this;
    const { hidden, found, only } = state.now;
    const shown = (row) => !hidden.has(history.lane[row]) && (!(only && found) || found.mask[row]);
    const whole = !hidden.size && !(only && found);
    this.rows = whole ? history.byTime() : history.byTime().filter(shown);
    this.positions = new Int32Array(history.count).fill(-1);
    this.rows.forEach((row, position) => (this.positions[row] = position));
    this.height = Math.min(this.rows.length * ROW_PX, MAX_PX);
    this.space.style.height = `${this.height}px`;
    this.element.setAttribute("aria-rowcount", this.rows.length + 1);
    this.drawn = "";
    this.draw();
  }

  /** Scroll a row into view. */
  reveal(row) {
    const position = this.positions[row];
    if (position < 0) return;
    const [first, last] = this.#visible();
    if (position <= first || position >= last - 2) this.#scrollTo(position - Math.floor((last - first) / 2));
    this.draw();
  }

  draw() {
    const [first, last] = this.#visible();
    const { selected, target } = this.state.now;
    const drawn = `${first} ${last} ${selected} ${target} ${this.relations?.row}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const lines = [];
    for (let position = first; position < last; position++) lines.push(this.#line(this.rows[position], position));
    this.body.replaceChildren(...lines);
    const top = this.rows.length * ROW_PX > this.height ? this.element.scrollTop : first * ROW_PX;
    this.body.style.transform = `translateY(${top}px)`;
  }

  #visible() {
    const fit = Math.ceil(this.#room() / ROW_PX) + 1;
    const first = Math.max(0, Math.min(this.#first(), this.rows.length - fit + 1));
    return [first, Math.min(this.rows.length, first + fit)];
  }

  #room() {
    return Math.max(this.element.clientHeight - this.head.offsetHeight, ROW_PX);
  }

  #first() {
    const { scrollTop } = this.element;
    if (this.rows.length * ROW_PX <= this.height) return Math.floor(scrollTop / ROW_PX);
    const share = scrollTop / Math.max(1, this.height - this.#room());
    return Math.round(share * Math.max(0, this.rows.length - Math.floor(this.#room() / ROW_PX)));
  }

  #scrollTo(position) {
    const whole = this.rows.length * ROW_PX <= this.height;
    const last = Math.max(1, this.rows.length - Math.floor(this.#room() / ROW_PX));
    this.element.scrollTop = whole ? position * ROW_PX : (position / last) * (this.height - this.#room());
  }

  #head() {
    this.head = this.element.querySelector(".log-head");
    this.head.replaceChildren(...this.columns.map(({ title, className }) => cell("columnheader", title, className)));
    const widths = this.columns.map(({ width, className }) => width ?? (className === "wide" ? "minmax(12rem, 2fr)" : "6rem"));
    this.element.style.setProperty("--log-columns", widths.join(" "));
    this.element.setAttribute("aria-colcount", this.columns.length);
  }

  #line(row, position) {
    const { history } = this;
    const cells = this.columns.map(({ text, className }) => cell("cell", text(history, row), className));
    const className = `log-row ${this.relations?.relation(row) ?? ""}`;
    const { selected, target } = this.state.now;
    const ariaSelected = row === selected || row === target ? "true" : null;
    return made("div", { className, role: "row", dataset: { row }, ariaRowIndex: position + 2, ariaSelected }, ...cells);
  }

  #clicked({ target }) {
    const line = target.closest(".log-row");
    if (line) this.show(Number(line.dataset.row));
  }

  #pressed(event) {
    const move = MOVES[event.key]?.(this);
    if (move === undefined || !this.rows.length) return;
    event.preventDefault();
    const position = this.positions[this.state.now.selected] ?? -1;
    const to = Number.isFinite(move) ? position + move : move < 0 ? 0 : this.rows.length - 1;
    this.show(this.rows[Math.max(0, Math.min(this.rows.length - 1, to))]);
  }
}

function cell(role, text, className = "") {
  return made("span", { role, className, title: text }, text);
}

const page = (table) => Math.max(1, Math.floor(table.element.clientHeight / ROW_PX) - 2);
const MOVES = {
  ArrowDown: () => 1,
  ArrowUp: () => -1,
  PageDown: page,
  PageUp: (table) => -page(table),
  Home: () => -Infinity,
  End: () => Infinity,
};

const COLUMNS = [
  { title: "event", text: (history, row) => history.name(row), width: "minmax(6rem, 1fr)" },
  { title: "at", text: (history, row) => instant(history.at[row]), className: "number", width: "8rem" },
  { title: "kind", text: (history, row) => history.head.kinds[history.kind[row]], width: "5rem" },
  { title: "to / from", text: partners, width: "minmax(8rem, 2fr)" },
  {
    title: "cause",
    text: (history, row) => {
      const { sender, cause } = history.kind[row] === RECEIVE ? origin(history, row) : {};
      return sender && cause >= 0 ? `${sender}:${cause}` : "";
    },
    width: "minmax(6rem, 1fr)",
  },
  {
    title: "queue",
    text: (history, row) => (history.queue[row] >= 0 ? String(history.queue[row]) : ""),
    className: "number",
    width: "4.5rem",
    without: (history) => history.queue.every((queue) => !(queue >= 0)),
  },
];
