// The charts: Vega-Lite specs, drawn by the Vega in the page, after the rest of the page.

import { made } from "./elements.js";
import { inflated } from "./encoding.js";
import { theme } from "./page.js";

const OPTIONS = { mode: "vega-lite", renderer: "canvas", actions: false };

/** Draw all charts of the page, with pauses between them; return a function that redraws them. */
export async function drawCharts() {
  const specs = document.getElementById("specs");
  if (!specs) return () => {};
  const { themes, charts } = JSON.parse(new TextDecoder().decode(await inflated(specs.textContent)));
  await loadVega();
  const draw = async () => {
    for (const picture of document.querySelectorAll("[data-chart]")) {
      await new Promise((resolve) => setTimeout(resolve));
      const config = { ...themes[theme()], background: "transparent" };
      const { view } = await window.vegaEmbed(picture, charts[picture.dataset.chart], { ...OPTIONS, config });
      offerFiles(picture, view);
    }
  };
  await draw();
  return draw;
}

/** Wait until an element is about to scroll into view, or to be printed. */
export function nearby(element) {
  if (!element) return Promise.resolve();
  return new Promise((resolve) => {
    const seen = ([{ isIntersecting }]) => isIntersecting && resolve();
    new IntersectionObserver(seen, { rootMargin: "160px" }).observe(element);
    window.addEventListener("beforeprint", resolve, { once: true });
  });
}

/** Add buttons that save a chart as it is shown. */
function offerFiles(picture, view) {
  const name = picture.dataset.chart;
  const save = async (type) => {
    const link = made("a", { href: await view.toImageURL(type, 2), download: `${name}.${type}` });
    link.click();
  };
  const buttons = ["svg", "png"].map((type) =>
    made("button", { type: "button", className: "quiet", title: `Save this chart as ${type.toUpperCase()}`, onclick: () => save(type) }, type.toUpperCase()));
  picture.parentElement.querySelector(".saves").replaceChildren(...buttons);
}

async function loadVega() {
  const script = document.createElement("script");
  script.type = "module";
  const loaded = new Promise((resolve) => window.addEventListener("vega", resolve, { once: true }));
  const text = new TextDecoder().decode(await inflated(document.getElementById("vega").textContent));
  script.textContent = `${text}\n;window.dispatchEvent(new Event("vega"));`;
  document.head.append(script);
  await loaded;
}
