// The state of the page in its address, after the #, so that a view can be shared.

/** Read a state from an address; parts that do not fit this history are ignored. */
export function readAddress(hash, history, axes) {
  const values = new Map();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const [key, value] = part.split("=");
    if (value !== undefined) values.set(key, decoded(value));
  }
  const state = {};
  for (const [key, { read }] of Object.entries(PARTS)) {
    const value = values.has(key) ? read(values.get(key), history, axes) : undefined;
    if (value !== undefined) Object.assign(state, value);
  }
  return state;
}

/** Write a state as an address; initial values are left out. */
export function writeAddress(state, history) {
  const parts = Object.entries(PARTS).map(([key, { write }]) => [key, write(state, history)]);
  return parts.filter(([, value]) => value).map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join("&");
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

const event = (key) => ({
  read: (text, history) => ({ [key]: history.row(text) }),
  write: (state, history) => (state[key] >= 0 ? history.name(state[key]) : ""),
});

/** "none" stands for no clock; the initial one is left out. */
const clockNamed = (key) => ({
  read: (text, history) => (history.clockNamed.has(text) ? { [key]: text } : text === "none" ? { [key]: "" } : undefined),
  write: (state, history) => (state[key] === initialClocks(history)[key] ? "" : state[key] || "none"),
});

/** Return the clocks of a view without a choice. */
export function initialClocks({ head, clockNamed: known }) {
  return { clock: known.has(head.main) ? head.main : "", second: "" };
}

const lanesNamed = (text, history) =>
  text.split(" ").map(decoded).map((name) => history.laneNamed.get(name)?.lane).filter((lane) => lane !== undefined);
const namesOf = (lanes, history) => lanes.map((lane) => encodeURIComponent(history.lanes[lane].name)).join(" ");

const PARTS = {
  axis: {
    read: (text, _, axes) => (axes.includes(text) ? { axis: text } : undefined),
    write: ({ axis }) => (axis === "wall" ? "" : axis),
  },
  view: {
    read: (text) => {
      const [from, to] = text.split(" ").map(Number);
      return from < to ? { from, to } : undefined;
    },
    write: ({ from, to }) => (from === null ? "" : `${+from.toPrecision(15)} ${+to.toPrecision(15)}`),
  },
  sel: event("selected"),
  to: event("target"),
  lanes: {
    read: (text, history) => {
      const order = lanesNamed(text, history);
      const whole = new Set([...order, ...history.lanes.keys()]);
      return { order: [...whole] };
    },
    write: ({ order }, history) => (order.every((lane, n) => lane === n) ? "" : namesOf(order, history)),
  },
  hide: {
    read: (text, history) => ({ hidden: new Set(lanesNamed(text, history)) }),
    write: ({ hidden }, history) => namesOf([...hidden], history),
  },
  cut: {
    read: (text, history) => {
      const counts = text.split(" ").map(Number);
      const fits = counts.length === history.lanes.length && counts.every((n, lane) => n >= 0 && n <= history.lanes[lane].events);
      return fits ? { cutEnds: counts.map((n, lane) => history.lanes[lane].first + n) } : undefined;
    },
    write: ({ cutEnds }, history) => (cutEnds ? cutEnds.map((end, lane) => end - history.lanes[lane].first).join(" ") : ""),
  },
  clock: clockNamed("clock"),
  beside: clockNamed("second"),
  wrong: { read: () => ({ wrong: true }), write: ({ wrong }) => (wrong ? "1" : "") },
  q: { read: (text) => ({ query: text }), write: ({ query }) => query },
  only: { read: () => ({ only: true }), write: ({ only }) => (only ? "1" : "") },
};
