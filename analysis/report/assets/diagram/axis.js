// The axes of the diagram: positions of events, ticks and labels.

import { depths } from "../history/causality.js";
import { grouped, span } from "../page/format.js";

const STEPS = [1, 2, 5];

/** One axis. `x` holds the position of every row; positions on a `whole` axis are integers. */
class Axis {
  constructor(name, title, x, { whole, arrivals = null }) {
    Object.assign(this, { name, title, x, whole, arrivals });
    let low = Infinity, high = -Infinity;
    for (const value of x) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    this.low = low <= high ? low : 0;
    this.high = low <= high ? high : 1;
    const margin = (this.high - this.low) * 0.015 || 1;
    this.from = this.low - margin;
    this.to = this.high + margin;
    this.closest = whole ? 2 : Math.max(1e3, (this.high - this.low) / 1e9);
  }

  /** Return round positions with labels, about `px` pixels apart. */
  ticks(from, to, width, px = 96) {
    const rough = ((to - from) / width) * px;
    const power = 10 ** Math.floor(Math.log10(rough));
    let step = (STEPS.find((factor) => factor * power >= rough) ?? 10) * power;
    if (this.whole) step = Math.max(1, Math.round(step));
    const ticks = [];
    for (let n = Math.ceil(from / step); n * step <= to; n++) ticks.push(n * step);
    return ticks.map((at) => [at, this.label(at, step)]);
  }

  label(at, step) {
    if (this.whole) return grouped(Math.round(at));
    const digits = Math.max(0, Math.min(9, -Math.floor(Math.log10(step / 1e9) + 1e-9)));
    return `${(at / 1e9).toFixed(digits)} s`;
  }

  /** Format a length along the axis. */
  size(amount) {
    return this.whole ? grouped(Math.round(amount)) : span(amount, 3);
  }
}

export const AXES = {
  wall: (history) =>
    new Axis("wall", "Wall time", history.at, { whole: false, arrivals: history.messages.arrived }),
  clock: (history) =>
    new Axis("clock", history.head.main === "lamport" ? "Lamport time" : `Clock (${history.head.main})`, history.main, { whole: true }),
  depth: (history) => new Axis("depth", "Causal depth", depths(history), { whole: true }),
};
