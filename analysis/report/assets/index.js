// The page of all runs.

import { listenToPage } from "./page.js";
import { listenToTables } from "./tables.js";

listenToPage();
listenToTables();
document.documentElement.dataset.ready = "all";
