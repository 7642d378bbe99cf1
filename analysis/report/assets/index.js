// The page of all runs.

import { listenToPage } from "./page/page.js";
import { listenToTables } from "./page/tables.js";

listenToPage();
listenToTables();
document.documentElement.dataset.ready = "all";
