// The names of lanes beside the canvas: dragging reorders lanes, buttons hide them.

import { made } from "../page/elements.js";
import { many } from "../page/format.js";

export class LaneLabels {
  constructor(element, history, state, colours) {
    Object.assign(this, { element, history, state, colours });
    this.labels = history.lanes.map((lane) => this.#label(lane));
    this.hiddenNote = made("button", { className: "quiet hidden-lanes", type: "button", onclick: () => state.change({ hidden: new Set() }) });
    element.replaceChildren(...this.labels, this.hiddenNote);
  }

  draw(view) {
    this.element.style.height = `${view.height}px`;
    this.labels.forEach((label, lane) => {
      const y = view.y(lane);
      const inside = y !== undefined && y > 20 && y < view.height + 10;
      label.hidden = !inside;
      label.style.display = inside ? "" : "none";
      if (inside && label !== this.dragged) label.style.top = `${y}px`;
      label.querySelector("small").style.display = view.lanePx < 40 ? "none" : "";
    });
    const { size } = this.state.now.hidden;
    this.hiddenNote.style.display = size ? "" : "none";
    this.hiddenNote.textContent = `show ${many(size, "hidden lane")}`;
    this.view = view;
  }

  #label(lane) {
    const rate = lane.rate_hz ? `${lane.rate_hz}/s, ` : "";
    const label = made(
      "div",
      { className: "lane", tabIndex: 0, title: `${lane.name}: drag, or Alt and arrow keys, to reorder` },
      made("span", { className: "swatch" }),
      made("span", { className: "who" }, made("b", {}, lane.name), made("small", {}, rate + many(lane.events, "event"))),
      made("button", { type: "button", title: `Hide ${lane.name}`, ariaLabel: `Hide ${lane.name}`, onclick: () => this.#hide(lane.lane) }, "hide"),
    );
    label.style.setProperty("--lane-colour", this.colours[lane.lane]);
    label.addEventListener("pointerdown", (event) => this.#grab(event, label, lane.lane));
    label.addEventListener("keydown", (event) => this.#pressed(event, lane.lane));
    return label;
  }

  #hide(lane) {
    const { hidden, order } = this.state.now;
    if (hidden.size < order.length - 1) this.state.change({ hidden: new Set([...hidden, lane]) });
  }

  #grab(event, label, lane) {
    if (event.target.closest("button")) return;
    label.setPointerCapture(event.pointerId);
    label.classList.add("dragged");
    this.dragged = label;
    const offset = event.clientY - label.offsetTop;
    label.onpointermove = (move) => {
      const y = move.clientY - offset;
      label.style.top = `${y}px`;
      this.#move(lane, this.view.rankAt(y));
    };
    label.onpointerup = label.onpointercancel = () => {
      label.classList.remove("dragged");
      label.onpointermove = label.onpointerup = label.onpointercancel = null;
      this.dragged = null;
      this.draw(this.view);
    };
  }

  #pressed(event, lane) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Delete" || event.key === "h") this.#hide(lane);
    if (!step || !event.altKey) return;
    event.preventDefault();
    this.#move(lane, this.view.rankOf.get(lane) + step);
  }

  /** Move a lane to a rank among the shown lanes. */
  #move(lane, rank) {
    const { order, hidden } = this.state.now;
    const shown = order.filter((other) => !hidden.has(other));
    const from = shown.indexOf(lane);
    if (rank === from || rank < 0 || rank >= shown.length) return;
    shown.splice(rank, 0, ...shown.splice(from, 1));
    this.state.change({ order: [...shown, ...order.filter((other) => hidden.has(other))] });
  }
}
