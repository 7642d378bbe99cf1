// A pen that draws SVG, with the methods of a canvas context that the painting code uses.

const NAMESPACE = "http://www.w3.org/2000/svg";
const ANCHORS = { left: "start", start: "start", center: "middle", right: "end", end: "end" };
const BASELINES = { middle: "central", top: "hanging", alphabetic: "auto", bottom: "text-after-edge" };
const INITIAL = {
  fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, globalAlpha: 1, font: "10px sans-serif",
  textAlign: "start", textBaseline: "alphabetic", dash: [], lineCap: "butt", lineJoin: "miter",
};

export class SvgPen {
  #stack = [];

  constructor(width, height, title) {
    Object.assign(this, INITIAL);
    this.root = made("svg", { viewBox: `0 0 ${width} ${height}`, width, height, xmlns: NAMESPACE });
    const name = made("title", {});
    name.textContent = title;
    this.root.append(name);
    this.group = this.root;
    this.clips = 0;
    this.d = "";
  }

  save() {
    const saved = Object.fromEntries(Object.keys(INITIAL).map((key) => [key, this[key]]));
    this.#stack.push({ saved, group: this.group });
  }

  restore() {
    const { saved, group } = this.#stack.pop();
    Object.assign(this, saved);
    this.group = group;
  }

  translate(x, y) {
    this.#enter({ transform: `translate(${n(x)} ${n(y)})` });
  }

  clip() {
    const id = `clip${this.clips++}`;
    const clip = made("clipPath", { id });
    clip.append(made("path", { d: this.d }));
    this.group.append(clip);
    this.#enter({ "clip-path": `url(#${id})` });
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  beginPath() {
    this.d = "";
  }

  moveTo(x, y) {
    this.d += `M${n(x)} ${n(y)}`;
  }

  lineTo(x, y) {
    this.d += `L${n(x)} ${n(y)}`;
  }

  closePath() {
    this.d += "Z";
  }

  rect(x, y, w, h) {
    this.d += `M${n(x)} ${n(y)}h${n(w)}v${n(h)}h${n(-w)}Z`;
  }

  /** Draw a full circle; the diagram has no other arcs. */
  arc(x, y, r) {
    this.d += `M${n(x - r)} ${n(y)}a${n(r)} ${n(r)} 0 1 0 ${n(2 * r)} 0a${n(r)} ${n(r)} 0 1 0 ${n(-2 * r)} 0Z`;
  }

  fill() {
    if (this.d) this.#add("path", { d: this.d, fill: this.fillStyle });
  }

  stroke() {
    if (!this.d) return;
    const dash = this.dash.length ? { "stroke-dasharray": this.dash.join(" ") } : {};
    const line = { fill: "none", stroke: this.strokeStyle, "stroke-width": this.lineWidth, "stroke-linecap": this.lineCap };
    this.#add("path", { d: this.d, ...line, ...dash });
  }

  fillRect(x, y, width, height) {
    this.#add("rect", { x: n(x), y: n(y), width: n(width), height: n(height), fill: this.fillStyle });
  }

  fillText(text, x, y) {
    const [, weight, size, family] = /^(?:(\d+|bold) )?([\d.]+)px (.*)$/.exec(this.font);
    const style = { "font-size": size, "font-family": family, ...(weight ? { "font-weight": weight } : {}) };
    const position = { x: n(x), y: n(y), "text-anchor": ANCHORS[this.textAlign], "dominant-baseline": BASELINES[this.textBaseline] };
    this.#add("text", { ...position, ...style, fill: this.fillStyle }).textContent = text;
  }

  text() {
    return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(this.root)}\n`;
  }

  #enter(attributes) {
    const group = made("g", attributes);
    this.group.append(group);
    this.group = group;
  }

  #add(tag, attributes) {
    const opacity = this.globalAlpha < 1 ? { opacity: n(this.globalAlpha) } : {};
    const element = made(tag, { ...attributes, ...opacity });
    this.group.append(element);
    return element;
  }
}

const n = (number) => Math.round(number * 100) / 100;

function made(tag, attributes) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) if (name !== "xmlns") element.setAttribute(name, value);
  return element;
}
