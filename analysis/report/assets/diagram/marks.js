// The shapes of the diagram, collected by style so that few paths draw many shapes.

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
const LEFT = (pen, x, y, r) => polygon(pen, [x - r, y, x + r, y - r, x + r, y + r]);
const RIGHT = (pen, x, y, r) => polygon(pen, [x + r, y, x - r, y - r, x - r, y + r]);
const SQUARE = (pen, x, y, r) => pen.rect(x - r, y - r, 2 * r, 2 * r);

export const SHAPES = { CIRCLE, DIAMOND, CROSS, DAGGER, SQUARE, LEFT, RIGHT };

function polygon(pen, points) {
  pen.moveTo(points[0], points[1]);
  for (let n = 2; n < points.length; n += 2) pen.lineTo(points[n], points[n + 1]);
  pen.closePath();
}

/** A limit, because a path of thousands of overlapping shapes takes ten times as long. */
const SHAPES_PER_PATH = 32;

/** Lines and marks to draw, by style. Styles are drawn in the order of their first use. */
export class Layer {
  #lines = new Map();
  #marks = new Map();

  line(style, x1, y1, x2, y2) {
    gathered(this.#lines, style).push(x1, y1, x2, y2);
  }

  mark(style, x, y, size) {
    gathered(this.#marks, style).push(x, y, size);
  }

  /** Add a line with a head at its end. */
  arrow(style, x1, y1, x2, y2, size = 6.5) {
    this.line(style, x1, y1, x2, y2);
    gathered(this.#marks, style.head).push(x2, y2, size, Math.atan2(y2 - y1, x2 - x1));
  }

  /** Draw all shapes. `isThin` is for many lines: width 1 is drawn several times as fast as 2. */
  draw(pen, isThin = false) {
    for (const [style, lines] of this.#lines) {
      pen.globalAlpha = style.alpha ?? 1;
      pen.strokeStyle = style.colour;
      pen.lineWidth = isThin ? 1 : (style.width ?? 1);
      pen.setLineDash(style.dash ?? []);
      pen.fillStyle = style.colour;
      strokeLines(pen, lines, pen.lineWidth, Boolean(style.dash?.length));
    }
    pen.setLineDash([]);
    for (const [style, marks] of this.#marks) this.#drawMarks(pen, style, marks);
    pen.globalAlpha = 1;
  }

  #drawMarks(pen, style, marks) {
    pen.globalAlpha = style.alpha ?? 1;
    pen.fillStyle = style.colour ?? "#0000";
    pen.strokeStyle = style.stroke ?? "#0000";
    pen.lineWidth = style.width ?? 1.5;
    const step = (style.pointed ? 4 : 3) * SHAPES_PER_PATH;
    for (let from = 0; from < marks.length; from += step) {
      pen.beginPath();
      shapes(pen, style, marks, from, Math.min(marks.length, from + step));
      if (style.colour) pen.fill();
      if (style.stroke) pen.stroke();
    }
  }
}

function shapes(pen, style, marks, from, to) {
  if (style.pointed) for (let n = from; n < to; n += 4) head(pen, marks[n], marks[n + 1], marks[n + 2], marks[n + 3]);
  else for (let n = from; n < to; n += 3) style.shape(pen, marks[n], marks[n + 1], marks[n + 2]);
}

/** Return a style of lines that end in heads. */
export function arrowStyle(colour, width = 1, alpha = 1, dash = []) {
  return { colour, width, alpha, dash, head: { colour, alpha, pointed: true } };
}

/** Draw lines of one style. Vertical ones are boxes, which are much cheaper. */
function strokeLines(pen, lines, width, isDashed) {
  let waiting = 0;
  for (let n = 0; n < lines.length; n += 4) {
    const [x1, y1, x2, y2] = [lines[n], lines[n + 1], lines[n + 2], lines[n + 3]];
    if (!isDashed && Math.abs(x2 - x1) < 0.5) {
      pen.fillRect((x1 + x2 - width) / 2, Math.min(y1, y2), width, Math.abs(y2 - y1));
      continue;
    }
    if (!waiting++) pen.beginPath();
    segment(pen, x1, y1, x2, y2);
    if (waiting === SHAPES_PER_PATH) {
      pen.stroke();
      waiting = 0;
    }
  }
  if (waiting) pen.stroke();
}

function head(pen, x, y, size, angle) {
  const spread = 0.42;
  pen.moveTo(x, y);
  pen.lineTo(x - size * Math.cos(angle - spread), y - size * Math.sin(angle - spread));
  pen.lineTo(x - size * Math.cos(angle + spread), y - size * Math.sin(angle + spread));
  pen.closePath();
}

/** Larger coordinates, far outside of the picture, would be drawn inexactly. */
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
