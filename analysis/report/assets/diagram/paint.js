// One picture of the diagram, on a canvas or as SVG: bands, lanes, messages, events, axis.

import { grouped, many } from "../page/format.js";
import { messageLine, paintMessages } from "./arrows.js";
import { COLUMN_PX, paintEvents } from "./events.js";
import { Layer } from "./marks.js";
import { AXIS_PX } from "./view.js";

const STRIP_PX = 15;

/**
 * Draw a scene; return the picture's counts: events drawn one by one (`marks`) or `counted` in
 * columns of at most `peak` events, messages as arrows or bundles, and `shown`, the arrows' lines.
 */
export function paint(pen, scene) {
  const { view, ink } = scene;
  const picture = { marks: 0, counted: 0, peak: 0, timestamps: 0, shown: [] };
  pen.fillStyle = ink.card;
  pen.fillRect(0, 0, view.width, view.height);
  const ticks = view.axis.ticks(view.from, view.to, view.width);
  paintGrid(pen, view, ink, ticks);
  pen.save();
  pen.beginPath();
  pen.rect(0, AXIS_PX, view.width, view.height - AXIS_PX);
  pen.clip();
  paintConditions(pen, scene);
  paintAbsences(pen, scene);
  for (const lane of view.seen()) paintLine(pen, scene, lane);
  Object.assign(picture, paintMessages(pen, scene, picture.shown));
  for (const lane of view.seen()) paintEvents(pen, scene, lane, picture);
  paintPath(pen, scene);
  paintPins(pen, scene);
  paintSelected(pen, scene);
  scene.cut?.paint(pen, scene);
  pen.restore();
  paintAxis(pen, view, ink, ticks);
  return picture;
}

function paintGrid(pen, view, ink, ticks) {
  pen.fillStyle = ink.line;
  for (const [at] of ticks) pen.fillRect(Math.round(view.px(at)), AXIS_PX, 1, view.height - AXIS_PX);
}

function paintAxis(pen, view, ink, ticks) {
  pen.fillStyle = ink.sunk;
  pen.fillRect(0, 0, view.width, AXIS_PX - 1);
  pen.fillStyle = ink.line;
  pen.fillRect(0, AXIS_PX - 1, view.width, 1);
  Object.assign(pen, { font: `11px ${ink.sans}`, textBaseline: "middle", textAlign: "right", fillStyle: ink.soft });
  pen.fillText(`${view.axis.title} →`, view.width - 8, AXIS_PX / 2);
  pen.textAlign = "center";
  for (const [at, label] of ticks) {
    const px = view.px(at);
    if (px > 20 && px < view.width - 110) pen.fillText(label, px, AXIS_PX / 2);
  }
}

/** Return the height of the faults of channels below the axis. */
export function stripPx(history, axis) {
  return axis.name === "wall" ? history.head.conditions.length * STRIP_PX : 0;
}

/** Draw the faults of channels as bars below the axis, in wall time only. */
function paintConditions(pen, { view, axis, history, ink }) {
  if (axis.name !== "wall") return;
  Object.assign(pen, { font: `10px ${ink.sans}`, textBaseline: "middle", textAlign: "left" });
  history.head.conditions.forEach(({ kind, from_ns, until_ns, text }, n) => {
    const left = Math.max(0, view.px(from_ns));
    const right = Math.min(view.width, until_ns === null ? view.width : view.px(until_ns));
    if (right <= left) return;
    const y = AXIS_PX + 2 + n * STRIP_PX;
    pen.fillStyle = kind === "partition" ? ink.lost : ink.late;
    pen.globalAlpha = 0.1;
    pen.fillRect(left, y, right - left, kind === "partition" ? view.height : STRIP_PX - 2);
    pen.globalAlpha = 1;
    pen.fillRect(left, y, right - left, 1.5);
    label(pen, text, left + 5, y + STRIP_PX / 2, right - left);
  });
}

/** Draw absences of machines and missed ticks as bands over lanes, in wall time only. */
function paintAbsences(pen, { view, axis, absences, ink }) {
  if (axis.name !== "wall") return;
  Object.assign(pen, { font: `10px ${ink.sans}`, textBaseline: "top", textAlign: "left" });
  for (const { lane, from, until, why } of absences) {
    const y = view.y(lane);
    const left = Math.max(-2, view.px(from));
    const right = Math.min(view.width + 2, view.px(until));
    if (y === undefined || right - left < 1) continue;
    const half = Math.min(view.lanePx * 0.4, 30);
    pen.globalAlpha = 0.55;
    pen.fillStyle = ink.sunk;
    pen.fillRect(left, y - half, right - left, 2 * half);
    pen.globalAlpha = 0.6;
    hatch(pen, left, y - half, right - left, 2 * half, ink.strong);
    pen.globalAlpha = 1;
    pen.fillStyle = ink.soft;
    label(pen, why, left + 4, y - half + 3, right - left);
  }
}

/** Write a text if there is room for it, or else its first word. */
function label(pen, text, x, y, room) {
  const fitting = [text, text.split(/[ ,]/)[0]].find((part) => part.length * 5.5 + 6 < room);
  if (fitting) pen.fillText(fitting, x, y);
}

function hatch(pen, x, y, width, height, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = x - height; at < x + width; at += 7) {
    const from = Math.max(at, x), to = Math.min(at + height, x + width);
    pen.moveTo(from, y + height - (from - at));
    pen.lineTo(to, y + height - (to - at));
  }
  pen.stroke();
}

/** Draw a lane's line, in the colours of past and future if an event is selected. */
function paintLine(pen, { view, history, axis, levels, cone, ink }, lane) {
  const y = view.y(lane);
  const level = levels[lane];
  const bar = (from, to, colour, height) => {
    const left = Math.max(0, view.px(from));
    const right = Math.min(view.width, view.px(to));
    if (right <= left) return;
    pen.fillStyle = colour;
    pen.fillRect(left, y - height / 2, right - left, height);
  };
  bar(axis.from, axis.to, ink.strong, 1);
  if (!level.x.length) return;
  const first = level.x[0], last = level.x[level.x.length - 1];
  bar(first, last, cone ? ink.concurrent : ink.soft, 1.5);
  if (!cone) return;
  const { first: begin, end } = history.lanes[lane];
  if (cone.pastEnd[lane] > begin) bar(first, axis.x[cone.pastEnd[lane] - 1], ink.past, 3);
  if (cone.futureBegin[lane] < end) bar(axis.x[cone.futureBegin[lane]], last, ink.future, 3);
}

function paintPath(pen, scene) {
  const { view, history, axis, path, ink } = scene;
  if (!path) return;
  const layer = new Layer();
  const style = { colour: ink.self, width: 3, alpha: 0.9, head: { colour: ink.self, pointed: true } };
  for (const { from, to, message } of path) {
    const y1 = view.y(history.lane[from]), y2 = view.y(history.lane[to]);
    if (y1 === undefined || y2 === undefined) continue;
    if (message < 0) layer.line(style, view.px(axis.x[from]), y1, view.px(axis.x[to]), y2);
    else followMessage(layer, style, messageLine(scene, message));
  }
  layer.draw(pen);
}

function followMessage(layer, style, { flight, wait, down }) {
  layer.arrow(style, ...flight, 9);
  if (wait) layer.line(style, flight[2], flight[3], ...wait);
  if (down) layer.line(style, ...wait, ...down);
}

/** Draw pins over events with violations. */
function paintPins(pen, { view, history, axis, pins, ink }) {
  Object.assign(pen, { font: `bold 11px ${ink.sans}`, textBaseline: "middle", textAlign: "center" });
  let last = {};
  for (const row of pins) {
    const y = view.y(history.lane[row]);
    const px = view.px(axis.x[row]);
    if (y === undefined || px < -10 || px > view.width + 10 || Math.abs(px - last[y]) < 3) continue;
    last[y] = px;
    pen.fillStyle = ink.lost;
    pen.beginPath();
    pen.moveTo(px, y - 7);
    pen.lineTo(px - 6, y - 18);
    pen.lineTo(px + 6, y - 18);
    pen.closePath();
    pen.fill();
    pen.beginPath();
    pen.arc(px, y - 20, 7, 0, 7);
    pen.fill();
    pen.fillStyle = ink.card;
    pen.fillText("!", px, y - 19.5);
  }
}

function paintSelected(pen, { view, history, axis, selected, target, ink }) {
  for (const [row, width] of [[selected, 2.5], [target, 1.8]]) {
    if (row < 0 || view.y(history.lane[row]) === undefined) continue;
    const x = view.px(axis.x[row]), y = view.y(history.lane[row]);
    pen.strokeStyle = ink.self;
    pen.lineWidth = width;
    pen.beginPath();
    pen.arc(x, y, 9, 0, 7);
    pen.stroke();
    const [textAlign, aside] = x > view.width - 60 ? ["right", -8] : ["left", 8];
    Object.assign(pen, { font: `bold 11px ${ink.sans}`, textBaseline: "bottom", textAlign, fillStyle: ink.self });
    pen.fillText(history.name(row), x + aside, y - 8);
  }
}

/** Describe a picture in one line, including everything that it omits. */
export function describePicture(picture, view, count) {
  const all = picture.marks + picture.counted;
  const some = picture.marks ? `${grouped(picture.counted)} of them ` : "";
  const events = picture.counted
    ? `${grouped(all)} of ${many(count, "event")} in view, ${some}counted in columns of ${COLUMN_PX} px, up to ${grouped(picture.peak)} per column`
    : `${grouped(all)} of ${many(count, "event")} in view, one mark each`;
  const messages = picture.bundled === undefined
    ? `${many(picture.arrows, "message")}, one arrow each${picture.passing ? `, ${grouped(picture.passing)} more span the whole view` : ""}`
    : `${many(picture.bundled, "message")} sent in view, too many to draw one by one: up to ${grouped(picture.most)} per shade or line`;
  const more = picture.special ? `; ${grouped(picture.special)} more without a receive not drawn` : "";
  return `${events} · ${messages}${more} · ${view.axis.size(view.to - view.from)} wide`;
}
