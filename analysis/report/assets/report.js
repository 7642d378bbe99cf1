// The page of one run: draws first the diagram, then the log, then the charts.

import { AXES } from "./diagram/axis.js";
import { Cut } from "./diagram/cut.js";
import { Diagram } from "./diagram/diagram.js";
import { KEYS, listenToKeys } from "./diagram/keys.js";
import { LaneLabels } from "./diagram/lanes.js";
import { drawLegend } from "./diagram/legend.js";
import { Minimap } from "./diagram/minimap.js";
import { savePng, saveSvg, svgText } from "./export/save.js";
import { History } from "./history/history.js";
import { search } from "./history/search.js";
import { Details } from "./log/details.js";
import { LogTable } from "./log/log.js";
import { initialClocks, readAddress, writeAddress } from "./page/address.js";
import { drawCharts, nearby } from "./page/charts.js";
import { nextClock, offerClocks, showClocks } from "./page/clocks.js";
import { made } from "./page/elements.js";
import { unpack } from "./page/encoding.js";
import { grouped, many } from "./page/format.js";
import { copied, inkOf, listenToPage, machineColours, theme } from "./page/page.js";
import { State } from "./page/state.js";

const $ = (id) => document.getElementById(id);
const BEGINNING = { axis: "wall", from: null, to: null, selected: -1, target: -1, hidden: new Set(), cutEnds: null, query: "", only: false, wrong: false };

async function begin() {
  const head = JSON.parse($("head").textContent);
  const columns = await unpack(head.columns, $("body").textContent);
  const history = new History(head, columns);
  const first = { ...BEGINNING, ...initialClocks(history), order: [...history.lanes.keys()] };
  const state = new State({ ...first, ...readAddress(location.hash, history, Object.keys(AXES)) });
  state.change({ found: search(history, state.now.query) });
  const diagram = new Diagram({ canvas: $("canvas"), tip: $("tip"), scale: $("scale"), cutText: $("cut-text") }, history, state, inkOf());
  const labels = new LaneLabels($("lanes"), history, state, machineColours(history.lanes.length, theme()));
  const minimap = new Minimap($("minimap"), state, (from, to) => diagram.show(from, to));
  diagram.drawn.push((scene) => labels.draw(scene.view), (scene) => minimap.draw(scene), ({ cut }) => showCut(cut, state));
  const show = (row) => {
    state.change({ selected: row, target: -1 });
    diagram.reveal(row);
  };
  const details = new Details($("details"), $("live"), history, show);
  diagram.draw();
  performance.mark("diagram");
  drawLegend($("legend"), history, diagram.ink, state.now);
  offerAxes(state, history);
  offerClocks(history, state);
  const actions = actionsOf({ history, state, diagram });
  listenToButtons(actions);
  listenToKeys($("canvas"), { history, state, diagram, actions });
  listenToSearch(state, actions);
  await idle();
  const log = new LogTable($("log-table"), history, state, show);
  performance.mark("log");
  const draw = (changed) => drawChanged(changed, { history, state, diagram, details, log });
  state.listen(draw);
  draw(new Set(["selected", "query"]));
  if (state.now.selected >= 0) diagram.reveal(state.now.selected);
  listenToAddress(history, state, diagram, first);
  let redrawCharts = () => {};
  listenToPage(() => {
    diagram.ink = inkOf();
    diagram.redraw();
    drawLegend($("legend"), history, diagram.ink, state.now);
    redrawCharts();
  });
  // For the browser's console, and for tests.
  window.vklocks = { history, state, diagram, log, svgText: () => svgText(diagram.scene(), caption(diagram)) };
  document.documentElement.dataset.ready = "diagram";
  await nearby($("charts"));
  redrawCharts = await drawCharts();
  performance.mark("charts");
  document.documentElement.dataset.ready = "all";
}

const idle = () => new Promise((resolve) => setTimeout(resolve));

function drawChanged(changed, { history, state, diagram, details, log }) {
  const { now } = state;
  const isChosen = changed.has("clock") || changed.has("second");
  if (isChosen || changed.has("wrong")) {
    showClocks(state);
    drawLegend($("legend"), history, diagram.ink, now);
  }
  if (isChosen && now.selected >= 0) details.draw(now.selected, now.target, diagram);
  if (changed.has("selected") || changed.has("target")) {
    details.draw(now.selected, now.target, diagram);
    log.relations = diagram.cone;
    const row = now.target >= 0 ? now.target : now.selected;
    log.drawn = "";
    if (row >= 0) log.reveal(row);
    else log.draw();
  }
  if (changed.has("query")) state.change({ found: search(history, now.query) });
  if (["hidden", "only", "found"].some((key) => changed.has(key))) log.order();
  if (changed.has("found") || changed.has("query")) showHits(state);
  offerAxes(state, history);
  diagram.redraw();
  updateAddress(state, history);
}

let addressTimer = 0;
function updateAddress(state, history) {
  // A page within a cell of a notebook has no address of its own.
  if (location.protocol === "about:") return;
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    const address = writeAddress(state.now, history);
    history.address = address;
    window.history.replaceState(null, "", address ? `#${address}` : location.pathname + location.search);
  }, 120);
}

/** Follow a link within the page, or an edited address. */
function listenToAddress(history, state, diagram, first) {
  window.addEventListener("hashchange", ({ newURL }) => {
    // Not of the location: the timer above may have written that after the edit.
    const address = new URL(newURL).hash.slice(1);
    if (address === history.address || (address && !address.includes("="))) return;
    state.change({ ...first, ...readAddress(address, history, Object.keys(AXES)) });
    if (state.now.selected >= 0 && state.now.from === null) diagram.approach(state.now.selected);
    $("search").query.value = state.now.query;
    $("diagram").scrollIntoView({ block: "start" });
  });
}

function offerAxes(state, history) {
  const titles = { wall: "Wall time", clock: "Clock", depth: "Causal depth" };
  if (Number.isNaN(history.main[0])) delete titles.clock;
  $("axes").replaceChildren(
    ...Object.entries(titles).map(([axis, title]) =>
      made("button", { type: "button", role: "radio", ariaChecked: String(state.now.axis === axis), onclick: () => state.change({ axis, from: null, to: null }) }, title)),
  );
}

function caption(diagram) {
  return `${diagram.history.head.run}: ${$("scale").textContent}`;
}

function actionsOf({ history, state, diagram }) {
  const cutAt = (x) => state.change({ cutEnds: Cut.at(history, diagram.prepared.levels, x).ends });
  const hit = (by) => {
    const { found, selected } = state.now;
    if (!found?.rows?.length) return;
    const at = found.rows.indexOf(selected);
    const next = at < 0 ? (by > 0 ? 0 : found.rows.length - 1) : (at + by + found.rows.length) % found.rows.length;
    state.change({ selected: found.rows[next], target: -1 });
    diagram.approach(found.rows[next]);
    showHits(state);
  };
  const file = `${history.head.run}-diagram`;
  return {
    cutAt,
    zoomIn: () => diagram.zoom(1.6),
    zoomOut: () => diagram.zoom(1 / 1.6),
    fit: () => diagram.fit(),
    nextHit: () => hit(1),
    previousHit: () => hit(-1),
    cut: () => (state.now.cutEnds ? state.change({ cutEnds: null }) : cutAt((diagram.view.from + diagram.view.to) / 2)),
    repairCut: () => state.change({ cutEnds: diagram.cut.repaired().ends }),
    nextClock: () => state.change({ clock: nextClock(history, state.now.clock) }),
    nextSecond: () => state.change({ second: nextClock(history, state.now.second) }),
    wrong: () => state.change({ wrong: !state.now.wrong }),
    saveSvg: () => saveSvg(diagram.scene(), caption(diagram), file),
    savePng: () => savePng(diagram.scene(), caption(diagram), file),
    share: () => {
      const address = writeAddress(state.now, history);
      copied(document.querySelector('[data-act="share"]'), `${location.href.split("#")[0]}#${address}`);
    },
    search: () => $("search").query.focus(),
    keys: () => {
      $("keys").querySelector("dl").replaceChildren(...KEYS.flatMap(([key, does]) => [made("dt", {}, key), made("dd", {}, does)]));
      $("keys").showModal();
    },
  };
}

function listenToButtons(actions) {
  document.addEventListener("click", ({ target }) => {
    const act = target.closest("[data-act]")?.dataset.act;
    if (act) actions[act]();
  });
}

function listenToSearch(state, actions) {
  const form = $("search");
  form.query.value = state.now.query;
  $("only").checked = state.now.only;
  form.query.addEventListener("input", () => state.change({ query: form.query.value }));
  $("only").addEventListener("change", () => state.change({ only: $("only").checked }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    actions.nextHit();
  });
  form.query.addEventListener("keydown", ({ key }) => key === "Escape" && $("canvas").focus());
}

function showHits(state) {
  const { found, selected } = state.now;
  const hits = $("hits");
  hits.classList.toggle("wrong", Boolean(found?.problem));
  hits.title = found?.problem ?? "";
  if (!found) hits.textContent = "";
  else if (found.problem) hits.textContent = found.problem.split(";")[0];
  else {
    const at = found.rows.indexOf(selected);
    hits.textContent = at < 0 ? many(found.rows.length, "hit") : `${grouped(at + 1)} of ${grouped(found.rows.length)}`;
  }
}

function showCut(cut) {
  $("cut").setAttribute("aria-pressed", String(Boolean(cut)));
  if (!cut) return;
  const repair = cut.consistent ? [] : [" ", made("button", { type: "button", dataset: { act: "repairCut" } }, "Largest consistent cut within it")];
  const text = cut.sentence();
  if ($("cut-text").dataset.text === text) return;
  $("cut-text").dataset.text = text;
  $("cut-text").replaceChildren(text, ...repair, made("small", {}, " Drag a circle to move one machine's part; with Alt, or the keys [ and ], the whole cut."));
}

begin();
