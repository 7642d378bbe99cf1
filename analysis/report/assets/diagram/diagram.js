// The space-time diagram: its canvas, and the actions that change the view.

import { Claims } from "../history/claims.js";
import { Cone, path } from "../history/causality.js";
import { many } from "../page/format.js";
import { messageStyles, waitingSlots } from "./arrows.js";
import { AXES } from "./axis.js";
import { claimStyles } from "./claims.js";
import { Cut } from "./cut.js";
import { eventStyles } from "./events.js";
import { channelLevels, LaneLevel } from "./level.js";
import { paint, describePicture, stripPx } from "./paint.js";
import { Pointer } from "./pointer.js";
import { clamped, View } from "./view.js";

const NEAR_PX = 12;

export class Diagram {
  #axes = {};
  #due = 0;

  constructor({ canvas, tip, scale, cutText }, history, state, ink) {
    Object.assign(this, { canvas, scale, cutText, history, state, ink });
    this.slots = waitingSlots(history);
    this.pins = pinsOf(history);
    this.absences = absencesOf(history);
    this.scroll = 0;
    this.drawn = [];
    new Pointer(this, tip);
    new ResizeObserver(() => this.redraw()).observe(canvas.parentElement);
  }

  /** The current axis, with lanes and channels prepared for it. */
  get prepared() {
    const { axis } = this.state.now;
    if (!this.#axes[axis]) {
      const made = AXES[axis](this.history);
      const levels = this.history.lanes.map((lane) => new LaneLevel(this.history, lane, made.x));
      const { channels, begin, finish } = channelLevels(this.history, made);
      this.#axes[axis] = { axis: made, levels, channels, begin, finish, special: this.#special(begin, finish) };
    }
    return this.#axes[axis];
  }

  /** Return the messages without a receive, in the order of their sends. */
  #special(begin, finish) {
    const { receive, receiver, send, count } = this.history.messages;
    const special = [];
    for (let m = 0; m < count; m++) {
      if (receive[m] >= 0) continue;
      special.push({ message: m, begin: begin[m], finish: finish[m], from: this.history.lane[send[m]], to: receiver[m] });
    }
    return special;
  }

  /** Return all inputs of a picture. */
  scene() {
    const { now } = this.state;
    const { history, ink } = this;
    const prepared = this.prepared;
    const { axis } = prepared;
    const from = now.from ?? axis.from, to = now.to ?? axis.to;
    const lanes = now.order.filter((lane) => !now.hidden.has(lane));
    const view = new View({ axis, from, to, width: this.canvas.clientWidth, lanes, scroll: this.scroll, strip: stripPx(history, axis) });
    const cone = this.cone;
    const [claims, others] = this.claims;
    return {
      ...prepared, view, history, ink, cone,
      slots: this.slots, pins: this.pins, absences: this.absences,
      selected: now.selected, target: now.target, found: now.found, path: this.path, cut: this.cut,
      styles: messageStyles(history, ink, cone, history.late),
      eventStyles: eventStyles(ink), claimStyles: claimStyles(ink),
      clocks: this.clocks.filter(Boolean),
      wrong: now.wrong && claims ? claims.wrong : null,
      differs: claims && others ? claims.differences(others) : null,
    };
  }

  /** The past and future of the selected event. */
  get cone() {
    const { selected } = this.state.now;
    if (selected < 0) return null;
    if (this.cachedCone?.row !== selected) this.cachedCone = new Cone(this.history, selected);
    return this.cachedCone;
  }

  /** The chosen clock and the second one; undefined if there is none. */
  get clocks() {
    const { clock, second } = this.state.now;
    return [clock, second].map((name) => this.history.clockNamed.get(name));
  }

  /** The claims of both clocks about the selected event; null without them. */
  get claims() {
    const { cone, cachedClaims: known } = this;
    const clocks = this.clocks;
    if (known?.cone !== cone || clocks.some((clock, n) => clock !== known.clocks[n])) {
      const claims = clocks.map((clock) => Claims.of(this.history, clock, cone));
      this.cachedClaims = { cone, clocks, claims };
    }
    return this.cachedClaims.claims;
  }

  /** The causal path between the two selected events, in either direction. */
  get path() {
    const { selected, target } = this.state.now;
    if (selected < 0 || target < 0) return null;
    const relation = this.cone.relation(target);
    if (relation === "concurrent" || relation === "self") return null;
    const key = `${selected} ${target}`;
    if (this.cachedPath?.key !== key) {
      const [first, last] = relation === "past" ? [target, selected] : [selected, target];
      this.cachedPath = { key, hops: path(this.history, first, last) };
    }
    return this.cachedPath.hops;
  }

  get cut() {
    const { cutEnds } = this.state.now;
    if (!cutEnds) return null;
    if (this.cachedCut?.ends !== cutEnds) {
      this.cachedCut = new Cut(this.history, cutEnds);
      this.cachedCut.held = this.held;
    }
    return this.cachedCut;
  }

  /** Draw before the next frame, once for any number of calls. */
  redraw() {
    this.#due ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.#due = 0;
    const scene = this.scene();
    const { view } = scene;
    if (view.width <= 0) return;
    this.view = view;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      Object.assign(this.canvas, { width, height });
      this.canvas.style.height = `${view.height}px`;
    }
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.picture = paint(pen, scene);
    if (this.box) this.#paintBox(pen);
    this.scale.textContent = describePicture(this.picture, view, this.history.count);
    this.cutText.hidden = !this.cut;
    for (const listener of this.drawn) listener(scene);
  }

  /** Show a range of the axis. */
  show(from, to) {
    this.state.change(clamped(this.prepared.axis, from, to));
  }

  zoom(factor, px = this.view.width / 2) {
    const { from, to } = this.view;
    const at = this.view.at(px);
    this.show(at - (at - from) / factor, at + (to - at) / factor);
  }

  pan(share) {
    const { from, to } = this.view;
    this.show(from + (to - from) * share, to + (to - from) * share);
  }

  fit() {
    this.state.change({ from: null, to: null });
  }

  scrollTo(scroll) {
    this.scroll = scroll;
    this.redraw();
  }

  /** Mark the range of pixels of a box zoom. */
  mark(left, right) {
    this.box = [left, right];
    this.redraw();
  }

  #paintBox(pen) {
    pen.fillStyle = this.ink.past;
    pen.globalAlpha = 0.15;
    pen.fillRect(this.box[0], 0, this.box[1] - this.box[0], this.view.height);
    pen.globalAlpha = 1;
  }

  /** Draw the dragged part of the cut, or all of it, at the pointer: {lane, all, x}. */
  holdCut(held, ends) {
    this.held = this.cachedCut.held = held;
    this.state.change({ cutEnds: ends });
    this.redraw();
  }

  /** End all dragging. */
  letGo() {
    this.box = this.held = undefined;
    if (this.cachedCut) this.cachedCut.held = undefined;
    this.redraw();
  }

  /** Move an event into view, unless it is visible already. */
  reveal(row) {
    const { from, to } = this.view;
    const x = this.prepared.axis.x[row];
    const margin = (to - from) * 0.06;
    if (x < from + margin || x > to - margin) this.show(x - (to - from) / 2, x + (to - from) / 2);
    const y = this.view.y(this.history.lane[row]);
    if (this.view.overflow && (y < 60 || y > this.view.height - 20)) {
      this.scroll += y - this.view.height / 2;
      this.redraw();
    }
  }

  /** Move an event into view, and zoom in until the events around it can be distinguished. */
  approach(row) {
    const { lane, first, end } = this.history.lanes[this.history.lane[row]];
    const { x } = this.prepared.axis;
    const around = (n) => x[Math.max(first, Math.min(end - 1, row + n))];
    const room = Math.max(around(30) - around(0), around(0) - around(-30)) * 1.2;
    const [begin, until] = this.prepared.levels[lane].range(this.view.from, this.view.to);
    if (until - begin > 90 && room > 0) this.show(x[row] - room, x[row] + room);
    this.draw();
    this.reveal(row);
  }

  /** Select an event, or make it the second one of a path. */
  pick(row) {
    const { selected, target } = this.state.now;
    const second = selected >= 0 && target < 0 && row !== selected;
    this.state.change(second ? { target: row } : { selected: row, target: -1 });
  }

  /** Return the event at a point, -1 if there is none. */
  eventAt(px, py) {
    const { view } = this;
    const lane = view.lanes[view.rankAt(py)];
    if (Math.abs(view.y(lane) - py) > Math.max(NEAR_PX, view.lanePx * 0.3)) return -1;
    const level = this.prepared.levels[lane];
    const [first, end] = level.range(view.at(px - NEAR_PX), view.at(px + NEAR_PX));
    let nearest = -1;
    for (let n = first, best = Infinity; n < end; n++) {
      const away = Math.abs(view.px(level.x[n]) - px);
      if (away < best) [best, nearest] = [away, level.rows[n]];
    }
    return nearest;
  }

  /** Return the message with the nearest line at a point, -1 if there is none. */
  messageAt(px, py) {
    let nearest = -1;
    let best = 5;
    for (const [message, x1, y1, x2, y2] of this.picture.shown) {
      const away = distance(px, py, x1, y1, x2, y2);
      if (away < best) [best, nearest] = [away, message];
    }
    return nearest;
  }
}

function distance(px, py, x1, y1, x2, y2) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const along = Math.max(0, Math.min(1, ((px - x1) * dx + (py - y1) * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(px - x1 - along * dx, py - y1 - along * dy);
}

function pinsOf(history) {
  return [...history.checks.keys()].sort((a, b) => history.at[a] - history.at[b]);
}

/** Add missed ticks between two events to a known absence, or as a new absence. */
function missTicks(absences, lane, from, until, missed) {
  const known = absences.find((away) => away.lane === lane && away.from < until && away.until > from);
  if (known) known.why += `, ${many(missed, "tick")} missed`;
  else absences.push({ lane, from, until, why: `${many(missed, "tick")} missed` });
}

/** Return the absences of machines: those in the log, and gaps in the ticks. */
function absencesOf(history) {
  const absences = history.head.absences.map(({ machine, from_ns, until_ns, why }) => (
    { lane: history.laneNamed.get(machine).lane, from: from_ns, until: until_ns ?? Infinity, why }));
  for (const lane of history.lanes) {
    for (let row = lane.first + 1; row < lane.end; row++) {
      const missed = history.tick[row] - history.tick[row - 1] - 1;
      if (missed > 0) missTicks(absences, lane.lane, history.at[row - 1], history.at[row], missed);
    }
  }
  return absences;
}
