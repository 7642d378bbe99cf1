// Timestamps beside events, and marks of the events that a clock orders wrongly.

import { LOST, PUT_AFTER, PUT_BEFORE, REVERSED } from "../history/claims.js";
import { Layer, SHAPES } from "./marks.js";

const FONT_PX = 10;
const CHARACTER_PX = 5.7;
/** The lowest lanes with room for one and for two lines of timestamps. */
const LANE_PX = [40, 64];
/** With less space per event on average there is no room for timestamps. */
const MIN_ROOM_PX = 12;

/** Return the styles of wrong claims and of differences between two clocks. */
export function claimStyles(ink) {
  const outline = { stroke: ink.wrong, width: 1.8 };
  return {
    [PUT_BEFORE]: { shape: SHAPES.LEFT, colour: ink.wrong },
    [PUT_AFTER]: { shape: SHAPES.RIGHT, colour: ink.wrong },
    [LOST]: { ...outline, shape: SHAPES.SQUARE },
    [REVERSED]: { ...outline, shape: SHAPES.CROSS },
    differs: { shape: SHAPES.CIRCLE, stroke: ink.cut, width: 1.6 },
  };
}

/** Mark the events of a range of a lane that the chosen clocks order wrongly or differently. */
export function paintClaims(pen, { view, levels, wrong, differs, claimStyles: styles }, lane, first, end) {
  if (!wrong && !differs) return;
  const { rows, x } = levels[lane];
  const y = view.y(lane);
  const layer = new Layer();
  for (let n = first; n < end; n++) {
    const px = view.px(x[n]), row = rows[n];
    if (differs?.[row]) layer.mark(styles.differs, px, y, 8);
    const kind = wrong?.[row];
    if (kind) layer.mark(styles[kind], px, kind === LOST || kind === REVERSED ? y : y - 11, kind === LOST || kind === REVERSED ? 7 : 4);
  }
  layer.draw(pen);
}

/** Mark the columns with such events by bars of a width over the lane. */
export function paintClaimColumns(pen, { wrong, differs, ink }, level, columns, y, width) {
  for (const [marked, colour, above] of [[wrong, ink.wrong, 0], [differs, ink.cut, 4]]) {
    if (!marked) continue;
    pen.fillStyle = colour;
    for (const [px, first, end] of columns) {
      if (level.rows.subarray(first, end).some((row) => marked[row])) pen.fillRect(px, y - above, width, 3);
    }
  }
}

/** Write the timestamps of a range of a lane below its events where the next event leaves room. */
export function paintTimestamps(pen, { view, levels, history, ink, clocks }, lane, first, end, picture) {
  const shown = clocks.filter((_, line) => view.lanePx >= LANE_PX[line]);
  if (!shown.length || view.width / Math.max(1, end - first) < MIN_ROOM_PX) return;
  const { rows, x } = levels[lane];
  Object.assign(pen, { font: `${FONT_PX}px ${ink.sans}`, textBaseline: "top", textAlign: "left", fillStyle: ink.soft });
  for (let n = first; n < end; n++) {
    const px = view.px(x[n]) - 3;
    const room = n + 1 < end ? view.px(x[n + 1]) - 3 - px : view.width - px;
    shown.forEach((clock, line) => {
      const text = history.compact(clock, rows[n]);
      if (text.length * CHARACTER_PX + 4 > room) return;
      pen.fillText(text, px, view.y(lane) + 7 + line * (FONT_PX + 2));
      picture.timestamps++;
    });
  }
}
