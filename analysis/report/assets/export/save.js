// Export of the visible part of the diagram as a file.

import { paint } from "../diagram/paint.js";
import { made } from "../page/elements.js";
import { SvgPen } from "./svg.js";

const GUTTER_PX = 120;
const PNG_SCALE = 2;
const FOOT_PX = 24;

/** Return the visible part of the diagram, with lane names, as the text of an SVG file. */
export function svgText(scene, caption) {
  const { width, height } = scene.view;
  const pen = new SvgPen(width + GUTTER_PX, height + FOOT_PX, caption);
  paintWhole(pen, scene, caption);
  return pen.text();
}

export function saveSvg(scene, caption, name) {
  download(new Blob([svgText(scene, caption)], { type: "image/svg+xml" }), `${name}.svg`);
}

export function savePng(scene, caption, name) {
  const width = (scene.view.width + GUTTER_PX) * PNG_SCALE;
  const canvas = made("canvas", { width, height: (scene.view.height + FOOT_PX) * PNG_SCALE });
  const pen = canvas.getContext("2d");
  pen.scale(PNG_SCALE, PNG_SCALE);
  paintWhole(pen, scene, caption);
  canvas.toBlob((blob) => download(blob, `${name}.png`));
}

function paintWhole(pen, scene, caption) {
  const { view, ink, history } = scene;
  pen.fillStyle = ink.card;
  pen.fillRect(0, 0, view.width + GUTTER_PX, view.height + FOOT_PX);
  pen.save();
  pen.translate(GUTTER_PX, 0);
  paint(pen, scene);
  pen.restore();
  Object.assign(pen, { font: `bold 13px ${ink.sans}`, textBaseline: "middle", textAlign: "right", fillStyle: ink.self });
  for (const lane of view.seen()) pen.fillText(history.lanes[lane].name, GUTTER_PX - 10, view.y(lane));
  Object.assign(pen, { font: `11px ${ink.sans}`, textAlign: "left", fillStyle: ink.soft });
  pen.fillText(caption, 8, view.height + FOOT_PX / 2);
}

function download(blob, name) {
  const link = made("a", { href: URL.createObjectURL(blob), download: name.replace(/[^\w.-]+/g, "_") });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
