// Numbers and times as text.

const SECOND_NS = 1e9;
const UNITS = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]];

export const grouped = (number) => number.toLocaleString("en");

export function many(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Format an instant to the microsecond. */
export function instant(ns) {
  return `${(ns / SECOND_NS).toFixed(6)} s`;
}

/** Format a duration in the largest unit that it reaches. */
export function span(ns, digits = 4) {
  const [unit, size] = UNITS.find(([, size]) => Math.abs(ns) >= size) ?? UNITS[3];
  return `${+(ns / size).toPrecision(digits)} ${unit}`;
}
