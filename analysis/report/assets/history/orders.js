// The orders of timestamps: which of two events a clock claims to be the earlier one.
//
// A rule makes, for one clock, the function of two rows that `precedes` in vm/clocks is of their
// timestamps; tests compare both.

/** Return the order of a clock, null for a kind without a rule here. */
export function orderOf(clock) {
  return RULES[clock.kind]?.(clock) ?? null;
}

const less = ({ parts: [values] }) => (a, b) => values[a] < values[b];

const lexicographic = ({ parts }) => (a, b) => {
  const place = parts.find((values) => values[a] !== values[b]);
  return place !== undefined && place[a] < place[b];
};

/** Order by parts: none is greater, and one is less. */
function byParts(parts) {
  return (a, b) => {
    let some = false;
    for (const values of parts) {
      if (values[a] > values[b]) return false;
      some ||= values[a] < values[b];
    }
    return some;
  };
}

/** Order the levels of K-Lamport, behind the machine: each with the next of the later event. */
function byLevels([machine, ...levels]) {
  return (a, b) => {
    if (levels[0][a] >= levels[0][b]) return false;
    if (machine[a] === machine[b]) return true;
    for (let n = 1; n < levels.length; n++) if (levels[n - 1][a] > levels[n][b]) return false;
    return true;
  };
}

function byBoth({ parts, widths: [entries] }) {
  const counts = byParts(parts.slice(0, entries));
  const levels = byLevels(parts.slice(entries));
  return (a, b) => counts(a, b) && levels(a, b);
}

/** Order by the first list; by the second one if the first lists are equal. */
function byEpochs({ parts, widths: [machines] }) {
  const epochs = parts.slice(0, machines);
  const [first, second] = [byParts(epochs), byParts(parts.slice(machines))];
  return (a, b) => (epochs.every((values) => values[a] === values[b]) ? second(a, b) : first(a, b));
}

const byDiagonal = ({ parts, widths }) => byParts(widths.map((machines, n) => parts[n * machines + n]));

function byDivision({ texts }) {
  const products = new Map();
  const product = (row) => products.get(row) ?? products.set(row, BigInt(`0x${texts[row]}`)).get(row);
  return (a, b) => texts[a].length <= texts[b].length && texts[a] !== texts[b] && product(b) % product(a) === 0n;
}

function byTrees({ texts }) {
  const trees = new Map();
  const tree = (row) => trees.get(row) ?? trees.set(row, JSON.parse(texts[row])).get(row);
  return (a, b) => texts[a] !== texts[b] && isAtMost(tree(a), tree(b), 0);
}

/** Is the function of an event tree, raised, nowhere over another one? */
function isAtMost(a, b, above) {
  if (typeof a === "number") return a + above <= (typeof b === "number" ? b : b[0]);
  if (typeof b === "number") return highest(a) + above <= b;
  const raised = above + a[0] - b[0];
  return raised <= 0 && isAtMost(a[1], b[1], raised) && isAtMost(a[2], b[2], raised);
}

function highest(tree) {
  return typeof tree === "number" ? tree : tree[0] + Math.max(highest(tree[1]), highest(tree[2]));
}

const components = ({ parts }) => byParts(parts);

const RULES = {
  wall: less,
  lamport: less,
  vector: components,
  hlc: lexicographic,
  hvc: components,
  repcl: byEpochs,
  rev: components,
  "k-lamport": ({ parts }) => byLevels(parts),
  comb: byBoth,
  bloom: components,
  differential: components,
  matrix: byDiagonal,
  direct: components,
  encoded: byDivision,
  tree: components,
  "interval-tree": byTrees,
};
