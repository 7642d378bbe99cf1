// Messages as arrows: from the send to the arrival, then along the receiver's lane while the
// message waits in the inbox. A message without a receive ends in a mark for its end.

import { mapped } from "../page/arrays.js";
import { arrowStyle, Layer, SHAPES } from "./marks.js";

/** More arrows cannot be distinguished or drawn within a frame; they become bundles. */
const MAX_ARROWS = 3000;
const MAX_THICK = 250;
const MAX_SLANTED = 2000;
const MAX_SPECIAL = 300;
const BUNDLE_PX = 4;
const RAIL_PX = 10;
const SLOT_PX = 3;
const STUB_PX = 26;

/** Draw the messages of a view; add the lines of arrows to `shown`, for the pointer. */
export function paintMessages(pen, scene, shown) {
  const { view, channels } = scene;
  const visible = channels.filter(({ from, to }) => view.y(from) !== undefined && view.y(to) !== undefined);
  const { ending, through } = messagesOf(scene, visible);
  const layer = new Layer();
  const picture = ending.length > MAX_ARROWS
    ? { ...drawBundles(pen, scene, visible), special: drawSpecial(layer, scene, shown) }
    : drawArrows(layer, scene, ending, through, shown);
  layer.draw(pen, ending.length + through.length > MAX_THICK);
  return picture;
}

/** Return the messages that begin, arrive or end in a view, and those that span all of it. */
function messagesOf({ view, axis, begin, finish }, channels) {
  const arrived = axis.arrivals ?? finish;
  const inside = (x) => x >= view.from && x <= view.to;
  const ending = [], through = [];
  const take = (m) => {
    if (inside(begin[m]) || inside(arrived[m]) || inside(finish[m])) return ending.push(m) <= MAX_ARROWS;
    return through.push(m) > 0;
  };
  channels.every((channel) => channel.each(view.from, view.to, take));
  return { ending, through };
}

/** Draw each message as an arrow; those that span the view only if they are not too many. */
function drawArrows(layer, scene, ending, through, shown) {
  const ends = {};
  const drawn = ending.length + through.length <= MAX_ARROWS ? [...ending, ...through] : ending;
  for (const message of drawn) {
    const name = drawOne(layer, scene, message, shown);
    ends[name] = (ends[name] ?? 0) + 1;
  }
  return { arrows: drawn.length, ends, passing: ending.length + through.length - drawn.length };
}

/**
 * Draw too many messages as bundles: those sent within a few pixels on one channel are one line.
 * Instead of vertical lines, the gaps between the crossed lanes are shaded by count.
 */
function drawBundles(pen, { view, ink, cone }, channels) {
  let columns = Math.ceil(view.width / BUNDLE_PX);
  let counted = countBundles(view, channels, columns);
  if (counted.slanted.length > MAX_SLANTED) {
    columns = Math.ceil((columns * MAX_SLANTED) / counted.slanted.length);
    counted = countBundles(view, channels, columns);
  }
  const { gaps, slanted, most, sent, stepPx } = counted;
  const densest = gaps.reduce((a, b) => Math.max(a, b), most);
  pen.fillStyle = pen.strokeStyle = ink.arrow;
  pen.lineWidth = 1;
  const fade = cone ? 0.35 : 0.7;
  gaps.forEach((count, n) => {
    if (!count) return;
    pen.globalAlpha = fade * (0.08 + 0.92 * (count / densest));
    pen.fillRect((n % columns) * stepPx, view.y(view.lanes[Math.floor(n / columns)]), stepPx, view.lanePx);
  });
  for (const [{ from, to }, px, count, reachPx] of slanted) {
    pen.globalAlpha = fade * (0.15 + 0.85 * (count / most));
    pen.beginPath();
    pen.moveTo(px, view.y(from));
    pen.lineTo(px + reachPx, view.y(to));
    pen.stroke();
  }
  pen.globalAlpha = 1;
  return { bundled: sent, most: slanted.length ? most : densest };
}

function countBundles(view, channels, columns) {
  const stepPx = view.width / columns;
  const gaps = new Float64Array(Math.max(0, view.lanes.length - 1) * columns);
  const slanted = [];
  let most = 0, sent = 0;
  for (const channel of channels) {
    const [upper, lower] = [view.rankOf.get(channel.from), view.rankOf.get(channel.to)].sort((a, b) => a - b);
    channel.bundles(view.from, view.perPx * stepPx, columns, (column, count, reach) => {
      sent += count;
      most = Math.max(most, count);
      if (Math.abs(reach) > view.perPx * 3) slanted.push([channel, (column + 0.5) * stepPx, count, reach / view.perPx]);
      else for (let gap = upper; gap < lower; gap++) gaps[gap * columns + column] += count;
    });
  }
  return { gaps, slanted, most, sent, stepPx };
}

/** Draw messages without a receive one by one, also beside bundles; return the number not drawn. */
function drawSpecial(layer, scene, shown) {
  const { view, special } = scene;
  const inView = special.filter(({ begin, finish, from, to }) =>
    begin <= view.to && finish >= view.from && view.y(from) !== undefined && view.y(to) !== undefined);
  for (const { message } of inView.slice(0, MAX_SPECIAL)) drawOne(layer, scene, message, shown);
  return Math.max(0, inView.length - MAX_SPECIAL);
}

function drawOne(layer, scene, message, shown) {
  const { history, styles } = scene;
  const name = history.head.ends[history.messages.end[message]];
  const style = styles.message(message, name);
  const line = messageLine(scene, message);
  const [x1, y1, x2, y2] = line.flight;
  shown.push([message, x1, y1, x2, y2]);
  if (line.end) {
    layer.line(style, x1, y1, x2, y2);
    layer.mark(styles.ends[name] ?? styles.ends.unaccounted, x2, y2, 4);
    return name;
  }
  layer.arrow(style, x1, y1, ...(line.wait ? [x2, y2] : short(x1, y1, x2, y2, 4)), line.wait ? 5.5 : 6.5);
  if (!line.wait) return name;
  const [end, rail] = line.wait;
  layer.line(styles.wait(message, name), x2, rail, end, rail);
  if (line.down) layer.line(styles.wait(message, name), end, rail, ...line.down);
  else layer.mark(styles.ends.inbox, end, rail, 3);
  shown.push([message, x2, rail, end, rail]);
  return name;
}

/**
 * Return a message's line in pixels: its `flight` from the send; then, on the axis of wall time,
 * its `wait` beside the receiver's lane, and `down` to its receive. `end` is true for a message
 * without a receive: its end is marked where the flight stops.
 */
export function messageLine({ history, view, axis, begin, finish, slots }, message) {
  const { send, receive, receiver, end: ended, arrived } = history.messages;
  const from = view.y(history.lane[send[message]]);
  const to = view.y(receiver[message]);
  const x = view.px(begin[message]);
  const name = history.head.ends[ended[message]];
  if (receive[message] < 0 && name !== "inbox") {
    return { flight: [x, from, x + STUB_PX, from + (to - from) * (name === "lost" ? 0.5 : 0.7)], end: true };
  }
  const end = view.px(finish[message]);
  const flown = axis.arrivals ? view.px(arrived[message]) : NaN;
  if (Number.isNaN(flown) || Math.abs(end - flown) < 3) return { flight: [x, from, end, to] };
  const rail = to + Math.sign(from - to || 1) * (RAIL_PX + SLOT_PX * slots[message]);
  return { flight: [x, from, flown, rail], wait: [end, rail], down: receive[message] >= 0 ? [end, to] : null };
}

/** Return the end of a line, shortened by `px` so that its head does not cover a mark. */
function short(x1, y1, x2, y2, px) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const share = Math.max(0, 1 - px / length);
  return [x1 + (x2 - x1) * share, y1 + (y2 - y1) * share];
}

/** Assign each message a slot beside its receiver's lane, so that up to five waiting ones do not overlap. */
export function waitingSlots(history) {
  const { receive, receiver, arrived, count } = history.messages;
  const slots = new Uint8Array(count);
  const order = mapped(Int32Array, count, (m) => m).filter((m) => !Number.isNaN(arrived[m]));
  order.sort((a, b) => arrived[a] - arrived[b]);
  const busy = history.head.names.map(() => new Float64Array(5).fill(-Infinity));
  for (const m of order) {
    const until = busy[receiver[m]];
    let slot = until.findIndex((end) => end <= arrived[m]);
    if (slot < 0) slot = until.length - 1;
    until[slot] = receive[m] >= 0 ? history.at[receive[m]] : Infinity;
    slots[m] = slot;
  }
  return slots;
}

/** Return the styles of messages by their end and their relation to the selected event. */
export function messageStyles(history, ink, cone, late) {
  const { send, receive, copy } = history.messages;
  const dash = [5, 3];
  const plain = {
    received: arrowStyle(ink.arrow, 1.1, 0.85),
    late: arrowStyle(ink.late, 1.6),
    duplicate: arrowStyle(ink.arrow, 1.6, 1, [1.5, 2.5]),
    claimed: arrowStyle(ink.lost, 2, 1, [2, 2]),
    inbox: arrowStyle(ink.unread, 1.3),
    open: arrowStyle(ink.arrow, 1.3, 1, dash),
    undelivered: arrowStyle(ink.unread, 1.3, 1, dash),
    unlogged: arrowStyle(ink.soft, 1.3, 1, dash),
    lost: arrowStyle(ink.lost, 1.4, 1, dash),
    died: arrowStyle(ink.soft, 1.3, 1, dash),
    unaccounted: arrowStyle(ink.lost, 1.6, 1, [2, 2]),
  };
  const related = { past: arrowStyle(ink.past, 1.5), future: arrowStyle(ink.future, 1.5), faded: arrowStyle(ink.arrow, 1, 0.22) };
  const waits = { plain: { colour: ink.wait, width: 2.2, alpha: 0.8 }, faded: { colour: ink.wait, width: 2, alpha: 0.22 },
    unread: { colour: ink.unread, width: 2.2, alpha: 0.8, dash } };
  const side = (message) => {
    const ends = [cone.relation(send[message]), receive[message] >= 0 ? cone.relation(receive[message]) : "concurrent"];
    const within = (wanted) => ends.every((end) => end === wanted || end === "self");
    return within("past") ? "past" : within("future") ? "future" : "faded";
  };
  return {
    message: (message, name) => {
      if (cone) return name === "received" ? related[side(message)] : plain[name];
      if (name === "received" && late[message]) return plain.late;
      return (name === "received" && copy[message] ? plain.duplicate : plain[name]) ?? plain.unaccounted;
    },
    wait: (message, name) => (name === "inbox" ? waits.unread : cone && side(message) === "faded" ? waits.faded : waits.plain),
    ends: {
      inbox: { shape: SHAPES.SQUARE, colour: ink.card, stroke: ink.unread },
      open: { shape: SHAPES.CIRCLE, colour: ink.card, stroke: ink.arrow },
      undelivered: { shape: SHAPES.CIRCLE, colour: ink.card, stroke: ink.unread },
      unlogged: { shape: SHAPES.CIRCLE, colour: ink.card, stroke: ink.soft },
      lost: { shape: SHAPES.CROSS, stroke: ink.lost, width: 2 },
      died: { shape: SHAPES.DAGGER, stroke: ink.soft, width: 1.8 },
      unaccounted: { shape: SHAPES.DIAMOND, colour: ink.card, stroke: ink.lost, width: 2 },
    },
  };
}
