// Tables that sort by a click on a heading and filter by a query.

import { grouped, many } from "./format.js";

const TERM = /^(.+?)(>=|<=|[=<>])(-?[\d.]+)$/;

export function listenToTables() {
  for (const table of document.querySelectorAll("table.sortable")) {
    table.querySelectorAll("thead th").forEach((heading, column) => {
      heading.firstElementChild.addEventListener("click", () => sort(table, heading, column));
    });
  }
  for (const input of document.querySelectorAll("[data-filters]")) {
    const table = document.getElementById(input.dataset.filters);
    const show = () => filter(table, input.value, document.getElementById(`${table.id}-count`));
    input.addEventListener("input", show);
    show();
  }
}

function sort(table, heading, column) {
  const rising = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", rising ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [valueOf(row.cells[column]), row]);
  rows.sort(([a], [b]) => compared(a, b) * (rising ? 1 : -1));
  body.append(...rows.map(([, row]) => row));
}

function valueOf(cell) {
  const number = Number(cell.dataset.value ?? cell.textContent.replaceAll(",", ""));
  return cell.textContent.trim() && !Number.isNaN(number) ? number : cell.textContent.trim();
}

function compared(a, b) {
  if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
  return typeof a === "number" ? -1 : 1;
}

function filter(table, query, count) {
  const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim().toLowerCase());
  const tests = query.toLowerCase().split(/\s+/).filter(Boolean).map((term) => termTest(term, names));
  let shown = 0;
  for (const row of table.tBodies[0].rows) {
    row.hidden = !tests.every((test) => test(row));
    shown += !row.hidden;
  }
  count.textContent = `${grouped(shown)} of ${many(table.tBodies[0].rows.length, "run")}`;
}

function termTest(term, names) {
  const [, name, operator, value] = TERM.exec(term) ?? [];
  const column = names.findIndex((known) => known.replaceAll(" ", "_").startsWith(name));
  if (column < 0) return (row) => row.textContent.toLowerCase().includes(term);
  return (row) => COMPARE[operator](valueOf(row.cells[column]), Number(value));
}

export const COMPARE = {
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
  "=": (a, b) => a === b,
};
