// The events of a lane: one mark each while they can be distinguished, otherwise counted in columns.

import { INTERNAL, RECEIVE, SEND } from "../history/history.js";
import { paintClaimColumns, paintClaims, paintTimestamps } from "./claims.js";
import { Layer, SHAPES } from "./marks.js";

export const COLUMN_PX = 3;
/** With less space per mark on average, marks overlap: the lane is drawn as columns of counts. */
const MIN_MARK_PX = 4;
/** The smallest count of a column of full height, so that few events do not make tall columns. */
const TALL = 8;
const COLUMN_ALPHA = 0.82;
const SIZES = { [INTERNAL]: 2.4, [SEND]: 4.2, [RECEIVE]: 5 };

/** Draw a lane's events, and count them in `picture`. */
export function paintEvents(pen, scene, lane, picture) {
  const { view, levels } = scene;
  const [first, end] = levels[lane].range(view.from, view.to);
  if (end - first > view.width / MIN_MARK_PX) paintColumns(pen, scene, lane, picture);
  else {
    paintMarks(pen, scene, lane, first, end, picture);
    paintClaims(pen, scene, lane, first, end);
    paintTimestamps(pen, scene, lane, first, end, picture);
  }
}

/** Draw every event of a range as a mark; the shape shows its kind. */
function paintMarks(pen, { view, history, levels, cone, eventStyles, found, ink }, lane, first, end, picture) {
  const y = view.y(lane);
  const { rows, x } = levels[lane];
  const room = (view.width / Math.max(1, end - first)) * 0.5;
  const scale = Math.max(0.55, Math.min(1, room / 4.5, view.lanePx / 40));
  const layer = new Layer();
  const halo = { shape: SHAPES.CIRCLE, colour: ink.hit, alpha: 0.9, stroke: ink.soft, width: 0.7 };
  for (let n = first; n < end; n++) {
    const row = rows[n], px = view.px(x[n]);
    if (found?.mask[row]) layer.mark(halo, px, y, SIZES[history.kind[row]] * scale + 4);
  }
  for (let n = first; n < end; n++) {
    const row = rows[n], kind = history.kind[row];
    layer.mark(eventStyles[cone ? cone.relation(row) : "plain"][kind], view.px(x[n]), y, SIZES[kind] * scale);
  }
  layer.draw(pen);
  picture.marks += end - first;
}

/** Draw a range too dense for marks as columns that count the events of each kind. */
function paintColumns(pen, scene, lane, picture) {
  const { view, levels, cone, axis, history, ink } = scene;
  const level = levels[lane];
  const columns = [];
  let most = 0;
  let [first] = level.range(view.from, view.from);
  for (let px = 0; px < view.width; px += COLUMN_PX) {
    const end = level.range(view.from, view.at(px + COLUMN_PX))[1];
    if (end > first) columns.push([px, first, end]);
    most = Math.max(most, end - first);
    picture.counted += end - first;
    first = end;
  }
  const half = Math.min(view.lanePx * 0.32, 30);
  const queues = columns.map(([px, first, end]) => [px, level.peakQueue(first, end)]);
  const deepest = Math.max(...queues.map(([, queue]) => queue));
  if (deepest > 0 && axis.name === "wall") paintQueue(pen, view, ink, view.y(lane) - Math.max(6, (most / Math.max(most, TALL)) * half) - 2, queues, deepest);
  const parts = { internal: [], send: [], receive: [], past: [], concurrent: [], future: [] };
  for (const [px, first, end] of columns) {
    const height = Math.max(1.5, ((end - first) / Math.max(most, TALL)) * half * 2);
    const shares = columnShares(level, first, end, cone, history, lane);
    let y = view.y(lane) + height / 2;
    for (const [name, count] of shares) {
      const part = (count / (end - first)) * height;
      y -= part;
      if (part) parts[name].push(px, y, part);
    }
  }
  for (const [name, boxes] of Object.entries(parts)) {
    pen.fillStyle = ink[name];
    pen.globalAlpha = COLUMN_ALPHA;
    for (let n = 0; n < boxes.length; n += 3) pen.fillRect(boxes[n], boxes[n + 1], COLUMN_PX, boxes[n + 2]);
  }
  pen.globalAlpha = 1;
  picture.peak = Math.max(picture.peak, most);
  paintClaimColumns(pen, scene, level, columns, view.y(lane) - half - 6, COLUMN_PX);
  if (scene.found) paintFoundColumns(pen, scene, level, columns, view.y(lane) + half + 3);
}

function columnShares(level, first, end, cone, history, lane) {
  if (cone) {
    const inPast = Math.min(Math.max(cone.pastEnd[lane] - history.lanes[lane].first, first), end) - first;
    const inFuture = end - Math.max(Math.min(cone.futureBegin[lane] - history.lanes[lane].first, end), first);
    return [["past", inPast], ["concurrent", end - first - inPast - inFuture], ["future", inFuture]];
  }
  const sends = level.sends[end] - level.sends[first];
  const receives = level.receives[end] - level.receives[first];
  return [["internal", end - first - sends - receives], ["send", sends], ["receive", receives]];
}

/** Draw the peak of messages in the inbox above the lane, column by column. */
function paintQueue(pen, view, ink, base, queues, deepest) {
  const room = Math.min(view.lanePx * 0.14, 16);
  pen.fillStyle = ink.wait;
  pen.globalAlpha = 0.8;
  for (const [px, queue] of queues) if (queue) pen.fillRect(px, base - (queue / deepest) * room, COLUMN_PX, (queue / deepest) * room);
  pen.globalAlpha = 1;
}

function paintFoundColumns(pen, { found, ink }, level, columns, y) {
  pen.fillStyle = ink.late;
  for (const [px, first, end] of columns) {
    if (level.rows.subarray(first, end).some((row) => found.mask[row])) pen.fillRect(px, y, COLUMN_PX, 3);
  }
}

/** Return styles of events: by kind, or by relation to the selected event. */
export function eventStyles(ink) {
  const shapes = { [INTERNAL]: SHAPES.CIRCLE, [SEND]: SHAPES.CIRCLE, [RECEIVE]: SHAPES.DIAMOND };
  const inColour = (colour, hollow = ink.card) => Object.fromEntries(
    Object.entries(shapes).map(([kind, shape]) =>
      [kind, { shape, colour: Number(kind) === INTERNAL ? hollow : colour, stroke: colour, width: 1.2 }]),
  );
  const plain = { [INTERNAL]: "internal", [SEND]: "send", [RECEIVE]: "receive" };
  return {
    plain: Object.fromEntries(Object.entries(plain).map(([kind, name]) => [kind, inColour(ink[name])[kind]])),
    past: inColour(ink.past),
    future: inColour(ink.future),
    concurrent: inColour(ink.concurrent),
    self: inColour(ink.self, ink.self),
  };
}
