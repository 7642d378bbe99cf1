// The shapes of the diagram, gathered by colour so that each colour is one path.

const CIRCLE = (pen, x, y, r) => {
  pen.moveTo(x + r, y);
  pen.arc(x, y, r, 0, 7);
};
const DIAMOND = (pen, x, y, r) => polygon(pen, [x, y - r, x + r, y, x, y + r, x - r, y]);
const CROSS = (pen, x, y, r) => {
  pen.moveTo(x - r, y - r);
  pen.lineTo(x + r, y + r);
  pen.moveTo(x - r, y + r);
  pen.lineTo(x + r, y - r);
};
const DAGGER = (pen, x, y, r) => {
  pen.moveTo(x, y - r * 1.3);
  pen.lineTo(x, y + r * 1.5);
  pen.moveTo(x - r * 0.8, y - r * 0.4);
  pen.lineTo(x + r * 0.8, y - r * 0.4);
};
const SQUARE = (pen, x, y, r) => pen.rect(x - r, y - r, 2 * r, 2 * r);

export const SHAPES = { CIRCLE, DIAMOND, CROSS, DAGGER, SQUARE };

function polygon(pen, points) {
  pen.moveTo(points[0], points[1]);
  for (let n = 2; n < points.length; n += 2) pen.lineTo(points[n], points[n + 1]);
  pen.closePath();
}

/** Lines and marks waiting to be drawn, by style. Styles are drawn in the order they were first used. */
export class Layer {
  #lines = new Map();
  #marks = new Map();

  line(style, x1, y1, x2, y2) {
    gathered(this.#lines, style).push(x1, y1, x2, y2);
  }

  mark(style, x, y, size) {
    gathered(this.#marks, style).push(x, y, size);
  }

  /** A line with a head at its end. */
  arrow(style, x1, y1, x2, y2, size = 6.5) {
    this.line(style, x1, y1, x2, y2);
    gathered(this.#marks, style.head).push(x2, y2, size, Math.atan2(y2 - y1, x2 - x1));
  }

  draw(pen) {
    for (const [style, lines] of this.#lines) {
      pen.globalAlpha = style.alpha ?? 1;
      pen.strokeStyle = style.colour;
      pen.lineWidth = style.width ?? 1;
      pen.setLineDash(style.dash ?? []);
      pen.beginPath();
      for (let n = 0; n < lines.length; n += 4) segment(pen, lines[n], lines[n + 1], lines[n + 2], lines[n + 3]);
      pen.stroke();
    }
    pen.setLineDash([]);
    for (const [style, marks] of this.#marks) this.#drawMarks(pen, style, marks);
    pen.globalAlpha = 1;
  }

  #drawMarks(pen, style, marks) {
    pen.globalAlpha = style.alpha ?? 1;
    pen.beginPath();
    if (style.pointed) {
      for (let n = 0; n < marks.length; n += 4) head(pen, marks[n], marks[n + 1], marks[n + 2], marks[n + 3]);
    } else {
      for (let n = 0; n < marks.length; n += 3) style.shape(pen, marks[n], marks[n + 1], marks[n + 2]);
    }
    if (style.colour) {
      pen.fillStyle = style.colour;
      pen.fill();
    }
    if (style.stroke) {
      pen.strokeStyle = style.stroke;
      pen.lineWidth = style.width ?? 1.5;
      pen.stroke();
    }
  }
}

/** A style of lines that end in heads. */
export function arrowStyle(colour, width = 1, alpha = 1, dash = []) {
  return { colour, width, alpha, dash, head: { colour, alpha, pointed: true } };
}

function head(pen, x, y, size, angle) {
  const spread = 0.42;
  pen.moveTo(x, y);
  pen.lineTo(x - size * Math.cos(angle - spread), y - size * Math.sin(angle - spread));
  pen.lineTo(x - size * Math.cos(angle + spread), y - size * Math.sin(angle + spread));
  pen.closePath();
}

/** Far outside of the picture, numbers of pixels grow beyond what is drawn exactly. */
const FAR_PX = 20_000;

function segment(pen, x1, y1, x2, y2) {
  if (Math.abs(x1) < FAR_PX && Math.abs(x2) < FAR_PX) {
    pen.moveTo(x1, y1);
    pen.lineTo(x2, y2);
    return;
  }
  const cut = (x) => {
    const near = Math.max(-FAR_PX, Math.min(FAR_PX, x));
    return [near, y1 + ((near - x1) / (x2 - x1 || 1)) * (y2 - y1)];
  };
  pen.moveTo(...cut(x1));
  pen.lineTo(...cut(x2));
}

function gathered(groups, style) {
  let group = groups.get(style);
  if (!group) groups.set(style, (group = []));
  return group;
}
