// A cut: the number of events of each machine before it (Mattern 1989).
//
// A cut is consistent if no message is received before it but sent after it. Removing all such
// receives yields the largest consistent cut within a given one.

import { grouped, many } from "../page/format.js";
import { messageLine } from "./arrows.js";
import { lowerBound } from "./level.js";

const HANDLE_PX = 7;

export class Cut {
  /** `ends`: per lane, the row after the last event before the cut. */
  constructor(history, ends) {
    this.history = history;
    this.ends = ends;
    const { send, receive, count } = history.messages;
    this.crossing = [];
    this.backward = [];
    for (let m = 0; m < count; m++) {
      const sent = send[m] < ends[history.lane[send[m]]];
      const received = receive[m] >= 0 && receive[m] < ends[history.lane[receive[m]]];
      if (sent && !received) this.crossing.push(m);
      else if (received && !sent) this.backward.push(m);
    }
  }

  /** Return the cut at one position of an axis. */
  static at(history, levels, x) {
    return new Cut(history, history.lanes.map((lane, n) => lane.first + levels[n].range(-Infinity, x)[1]));
  }

  get consistent() {
    return this.backward.length === 0;
  }

  /** Return this cut with one lane's part moved to another position. */
  moved(lane, level, x) {
    const before = lowerBound(level.x, x);
    return new Cut(this.history, this.ends.map((end, n) => (n === lane ? this.history.lanes[lane].first + before : end)));
  }

  /** Return the largest consistent cut within this one. */
  repaired() {
    const { send, receive } = this.history.messages;
    const { lane } = this.history;
    let ends = this.ends.slice();
    for (let cut = this; !cut.consistent; cut = new Cut(this.history, ends)) {
      for (const m of cut.backward) {
        const own = lane[receive[m]];
        if (send[m] >= ends[lane[send[m]]]) ends[own] = Math.min(ends[own], receive[m]);
      }
      ends = ends.slice();
    }
    return new Cut(this.history, ends);
  }

  /** Return the position of a lane's part: between two events, or under the pointer while dragged. */
  x(lane, axis) {
    if (this.held?.lane === lane || this.held?.all) return this.held.x;
    const { first, end } = this.history.lanes[lane];
    const at = this.ends[lane];
    if (end === first) return axis.low;
    if (at <= first) return axis.x[first] - (axis.high - axis.low) * 0.005;
    if (at >= end) return axis.x[end - 1] + (axis.high - axis.low) * 0.005;
    return (axis.x[at - 1] + axis.x[at]) / 2;
  }

  /** Return the lane with a handle at a point, -1 if there is none. */
  handleAt(view, px, py) {
    const near = (lane) => Math.hypot(view.px(this.x(lane, view.axis)) - px, view.y(lane) - py) < HANDLE_PX + 5;
    return view.seen().find(near) ?? -1;
  }

  paint(pen, scene) {
    const { view, ink, axis } = scene;
    this.#paintMessages(pen, scene);
    const colour = this.consistent ? ink.cut : ink.lost;
    pen.strokeStyle = colour;
    pen.lineWidth = 2;
    pen.setLineDash([7, 4]);
    pen.beginPath();
    view.lanes.forEach((lane, n) => {
      const x = view.px(this.x(lane, axis));
      const y = view.y(lane), half = view.lanePx / 2;
      if (n === 0) pen.moveTo(x, y - half);
      pen.lineTo(x, y - half * 0.35);
      pen.lineTo(x, y + half * 0.35);
      if (n === view.lanes.length - 1) pen.lineTo(x, y + half);
    });
    pen.stroke();
    pen.setLineDash([]);
    for (const lane of view.seen()) {
      pen.fillStyle = ink.card;
      pen.beginPath();
      pen.arc(view.px(this.x(lane, axis)), view.y(lane), HANDLE_PX, 0, 7);
      pen.fill();
      pen.stroke();
    }
  }

  #paintMessages(pen, scene) {
    const { view, ink, history } = scene;
    const { send, receive, receiver } = history.messages;
    for (const [messages, colour, width] of [[this.crossing, ink.cut, 1.6], [this.backward, ink.lost, 2.2]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      for (const m of messages.slice(0, 2000)) {
        const from = view.y(history.lane[send[m]]), to = view.y(receiver[m]);
        if (from === undefined || to === undefined || receive[m] < 0) continue;
        const { flight, wait, down } = messageLine(scene, m);
        pen.moveTo(flight[0], flight[1]);
        pen.lineTo(flight[2], flight[3]);
        if (wait) pen.lineTo(...wait);
        if (down) pen.lineTo(...down);
      }
      pen.stroke();
    }
  }

  /** Describe the cut in a sentence. */
  sentence() {
    const inside = this.ends.reduce((sum, end, n) => sum + end - this.history.lanes[n].first, 0);
    const counted = `${many(inside, "event")} before the cut; ${many(this.crossing.length, "message")} sent before it and not yet received`;
    return this.consistent
      ? `A consistent cut: a state that the system may have been in. ${counted}.`
      : `Not a consistent cut: ${many(this.backward.length, "message")} received before it, sent after it. ${counted}.`;
  }
}
