// Elements of the page, made in JavaScript.

/** An element with properties and children; texts stay texts. */
export function made(tag, properties, ...children) {
  const { dataset = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, dataset);
  element.append(...children.flat());
  return element;
}

/** A list of terms and descriptions. */
export function list(rows) {
  return made("dl", {}, ...rows.flatMap(([name, value]) => [made("dt", {}, name), made("dd", {}, value)]));
}

/** A table of cells. */
export function table(head, rows) {
  const line = (cells, tag) => made("tr", {}, ...cells.map((value) => made(tag, {}, value)));
  return made("table", {}, made("thead", {}, line(head, "th")), made("tbody", {}, ...rows.map((row) => line(row, "td"))));
}
