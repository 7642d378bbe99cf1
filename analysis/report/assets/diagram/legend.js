// The legend of the diagram, drawn with the same shapes.

import { ENDS } from "../history/describe.js";
import { INTERNAL, RECEIVE, SEND } from "../history/history.js";
import { made } from "../page/elements.js";
import { messageStyles } from "./arrows.js";
import { eventStyles } from "./events.js";
import { Layer } from "./marks.js";

const WIDTH = 34;
const HEIGHT = 18;

export function drawLegend(element, history, ink) {
  const events = eventStyles(ink).plain;
  const styles = messageStyles(history, ink, null, []);
  const mark = (kind, size) => (layer) => layer.mark(events[kind], WIDTH / 2, HEIGHT / 2, size);
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
