// The minimap: a strip of the whole run, with a draggable window over the visible part.

const EDGE_PX = 6;

export class Minimap {
  constructor(canvas, state, move) {
    Object.assign(this, { canvas, state, move });
    canvas.addEventListener("pointerdown", (event) => this.#grab(event));
    canvas.addEventListener("pointermove", (event) => this.#drag(event));
    canvas.addEventListener("pointerup", () => (this.held = null));
  }

  /** Draw a scene of the diagram; the density of events is cached until axis, lanes or width change. */
  draw({ axis, levels, view, ink, pins, selected, target, found }) {
    const ratio = devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width) return;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    this.axis = axis;
    this.perPx = (axis.to - axis.from) / width;
    const px = (x) => (x - axis.from) / this.perPx;
    this.#drawDensity(pen, levels, view.lanes, ink, width, height);
    if (found) this.#drawRows(pen, found.rows, px, ink.late, height, 3);
    this.#drawRows(pen, pins, px, ink.lost, 0, 6);
    this.#drawRows(pen, [selected, target].filter((row) => row >= 0), px, ink.self, 0, height);
    this.window = [px(view.from), px(view.to)];
    const [left, right] = [Math.max(0, this.window[0]), Math.min(width, Math.max(this.window[1], this.window[0] + 3))];
    pen.fillStyle = ink.soft;
    pen.globalAlpha = 0.18;
    pen.fillRect(0, 0, left, height);
    pen.fillRect(right, 0, width - right, height);
    pen.globalAlpha = 1;
    pen.strokeStyle = ink.self;
    pen.lineWidth = 1.5;
    pen.strokeRect(left + 0.75, 0.75, Math.max(2, right - left - 1.5), height - 1.5);
  }

  #drawDensity(pen, levels, lanes, ink, width, height) {
    const counts = this.#counts(levels, lanes, width);
    const most = counts.reduce((a, b) => Math.max(a, b), 4);
    pen.fillStyle = ink.concurrent;
    counts.forEach((count, n) => {
      const tall = count ? Math.max(1, (count / most) * (height - 12)) : 0;
      pen.fillRect(n * 2, height - 4 - tall, 2, tall);
    });
  }

  #counts(levels, lanes, width) {
    const key = `${this.axis.name} ${lanes} ${width}`;
    if (this.key === key) return this.counted;
    this.key = key;
    this.counted = new Float64Array(Math.ceil(width / 2));
    for (const lane of lanes) {
      let before = 0;
      this.counted.forEach((_, n) => {
        const until = levels[lane].range(-Infinity, this.axis.from + (n + 1) * 2 * this.perPx)[1];
        this.counted[n] += until - before;
        before = until;
      });
    }
    return this.counted;
  }

  #drawRows(pen, rows, px, colour, y, height) {
    pen.fillStyle = colour;
    let last = -9;
    for (const row of rows) {
      const at = px(this.axis.x[row]);
      if (Math.abs(at - last) < 1) continue;
      last = at;
      pen.fillRect(at - 1, y === 0 ? 0 : y - height, 2, height);
    }
  }

  #grab(event) {
    const [left, right] = this.window;
    const x = event.offsetX;
    this.canvas.setPointerCapture(event.pointerId);
    if (Math.abs(x - left) < EDGE_PX) this.held = { edge: "left" };
    else if (Math.abs(x - right) < EDGE_PX) this.held = { edge: "right" };
    else this.held = { offset: x > left && x < right ? x - (left + right) / 2 : 0 };
    this.#drag(event);
  }

  #drag(event) {
    if (!this.held) return;
    const x = this.axis.from + event.offsetX * this.perPx;
    const [from, to] = this.window.map((px) => this.axis.from + px * this.perPx);
    if (this.held.edge === "left") this.move(Math.min(x, to), to);
    else if (this.held.edge === "right") this.move(from, Math.max(x, from));
    else {
      const middle = x - this.held.offset * this.perPx;
      this.move(middle - (to - from) / 2, middle + (to - from) / 2);
    }
  }
}
