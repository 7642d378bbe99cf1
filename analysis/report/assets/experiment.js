// The page of an experiment: first its table of runs, then its charts.

import { drawCharts, nearby } from "./page/charts.js";
import { listenToPage } from "./page/page.js";
import { listenToTables } from "./page/tables.js";

async function begin() {
  let redrawCharts = () => {};
  listenToPage(() => redrawCharts());
  listenToTables();
  document.documentElement.dataset.ready = "tables";
  await nearby(document.getElementById("charts"));
  redrawCharts = await drawCharts();
  document.documentElement.dataset.ready = "all";
}

begin();
