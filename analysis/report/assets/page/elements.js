// Constructors of elements.

/** Create an element with properties and children; strings become text, not HTML. */
export function made(tag, properties, ...children) {
  const { dataset = {}, ...rest } = properties;
  const element = Object.assign(document.createElement(tag), rest);
  Object.assign(element.dataset, dataset);
  element.append(...children.flat());
  return element;
}

/** Create a list of terms and descriptions. */
export function list(rows) {
  return made("dl", {}, ...rows.flatMap(([name, value]) => [made("dt", {}, name), made("dd", {}, value)]));
}

/** Create a table from a head and rows of cells. */
export function table(head, rows) {
  const line = (cells, tag) => made("tr", {}, ...cells.map((value) => made(tag, {}, value)));
  return made("table", {}, made("thead", {}, line(head, "th")), made("tbody", {}, ...rows.map((row) => line(row, "td"))));
}
