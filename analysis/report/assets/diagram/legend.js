// The legend of the diagram, drawn with the same shapes.

import { LOST, PUT_AFTER, PUT_BEFORE, REVERSED } from "../history/claims.js";
import { ENDS } from "../history/describe.js";
import { INTERNAL, RECEIVE, SEND } from "../history/history.js";
import { made } from "../page/elements.js";
import { messageStyles } from "./arrows.js";
import { claimStyles } from "./claims.js";
import { eventStyles } from "./events.js";
import { Layer } from "./marks.js";

const WIDTH = 34;
const HEIGHT = 18;

/** `wrong` and `second` are whether wrong claims and a second clock are shown. */
export function drawLegend(element, history, ink, { wrong, second }) {
  const events = eventStyles(ink).plain;
  const styles = messageStyles(history, ink, null, []);
  const mark = (kind, size) => (layer) => layer.mark(events[kind], WIDTH / 2, HEIGHT / 2, size);
  const claims = claimStyles(ink);
  const claim = (kind, size) => (layer) => layer.mark(claims[kind], WIDTH / 2, HEIGHT / 2, size);
  const arrow = (style) => (layer) => layer.arrow(style, 4, HEIGHT - 3, WIDTH - 5, 3);
  const ended = (name) => (layer) => {
    layer.line(styles.message(0, name), 4, HEIGHT - 3, WIDTH - 8, 6);
    layer.mark(styles.ends[name] ?? styles.ends.unaccounted, WIDTH - 8, 6, 4);
  };
  const ends = history.ends();
  const unreceived = Object.keys(ends).filter((name) => ends[name] && name !== "received");
  const entries = [
    ["send", mark(SEND, 4.2)],
    ["receive", mark(RECEIVE, 5)],
    ["internal", mark(INTERNAL, 2.4)],
    ["message in flight", arrow(styles.message(-1, "received"))],
    ["waiting in the inbox", (layer) => layer.line(styles.wait(0, "received"), 4, HEIGHT / 2, WIDTH - 4, HEIGHT / 2)],
    ...(history.messages.copy.some(Boolean) ? [["duplicate of a message", arrow(styles.message(history.messages.copy.findIndex(Boolean), "received"))]] : []),
    ...(history.late.some(Boolean) ? [["late: in flight for longer than a tick of its receiver", arrow(messageStyles(history, ink, null, [1]).message(0, "received"))]] : []),
    ...(wrong ? [
      ["concurrent, but before the selected event by the clock", claim(PUT_BEFORE, 4)],
      ["concurrent, but after it by the clock", claim(PUT_AFTER, 4)],
      ["causally related, but not ordered by the clock", claim(LOST, 6)],
      ["causally related, but ordered the wrong way round", claim(REVERSED, 6)],
    ] : []),
    ...(second ? [["ordered differently by the two clocks", claim("differs", 7)]] : []),
    ...unreceived.map((name) => [ENDS[name], ended(name)]),
  ];
  element.replaceChildren(...entries.map(([text, draw]) => made("span", {}, picture(draw), text)));
}

function picture(draw) {
  const canvas = made("canvas", { width: WIDTH * 2, height: HEIGHT * 2 });
  const pen = canvas.getContext("2d");
  pen.scale(2, 2);
  const layer = new Layer();
  draw(layer);
  layer.draw(pen);
  return canvas;
}
