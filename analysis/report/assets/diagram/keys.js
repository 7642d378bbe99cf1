// The keys of the diagram.

import { lowerBound } from "./level.js";

/** Keys with description and actions; `board` holds diagram, history, state and actions. */
export const KEYS = [
  ["← →", "the previous or next event of the machine", { ArrowLeft: step(-1), ArrowRight: step(1) }],
  ["↑ ↓", "the nearest event of the lane above or below", { ArrowUp: across(-1), ArrowDown: across(1) }],
  ["Home End", "the machine's first or last event", { Home: extreme(0), End: extreme(1) }],
  ["m", "follow a message from its send to its receive, or back", { m: follow }],
  ["Enter", "keep this event and choose a second one, to show the path between them", { Enter: chooseSecond }],
  ["Escape", "clear the selection", { Escape: ({ state }) => state.change({ selected: -1, target: -1 }) }],
  ["+ −", "zoom in or out", { "+": act("zoomIn"), "=": act("zoomIn"), "-": act("zoomOut") }],
  ["a d", "move left or right", { a: ({ diagram }) => diagram.pan(-0.25), d: ({ diagram }) => diagram.pan(0.25) }],
  ["0", "show the whole run", { 0: act("fit") }],
  ["1 2 3", "axis: wall time, clock, causal depth", { 1: axis("wall"), 2: axis("clock"), 3: axis("depth") }],
  ["/", "search", { "/": act("search") }],
  ["n N", "the next or previous hit", { n: act("nextHit"), N: act("previousHit") }],
  ["v V", "the next or previous violation", { v: pin(1), V: pin(-1) }],
  ["t T", "the next clock beside the events, or beside the first one", { t: act("nextClock"), T: act("nextSecond") }],
  ["w", "mark the events that the clock orders wrongly", { w: act("wrong") }],
  ["c", "show or hide a cut", { c: act("cut") }],
  ["[ ]", "move the cut earlier or later on all machines", { "[": moveCut(-1), "]": moveCut(1) }],
  ["{ }", "move the cut by one event on the selected event's machine", { "{": stepCut(-1), "}": stepCut(1) }],
  ["?", "this list", { "?": act("keys") }],
];

const ALL = Object.assign({}, ...KEYS.map(([, , does]) => does));

export function listenToKeys(canvas, board) {
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !ALL[event.key]) return;
    event.preventDefault();
    ALL[event.key](board);
  });
}

function act(name) {
  return ({ actions }) => actions[name]();
}

function axis(name) {
  return ({ state }) => state.change({ axis: name, from: null, to: null });
}

/** Return the event from which keys move: the second one of a path while it is being chosen. */
function current({ state, choosesSecond }) {
  const { selected, target } = state.now;
  return choosesSecond && target >= 0 ? target : selected;
}

function go(board, row) {
  const { state, diagram } = board;
  if (row < 0) return;
  if (board.choosesSecond) state.change({ target: row === state.now.selected ? -1 : row });
  else state.change({ selected: row, target: -1 });
  diagram.reveal(row);
}

function chooseSecond(board) {
  board.choosesSecond = !board.choosesSecond && board.state.now.selected >= 0;
}

/** Return the start of keys without a selection: the first visible event. */
function start({ diagram, history, state }) {
  const { axis, levels } = diagram.prepared;
  const from = state.now.from ?? axis.from;
  for (const lane of diagram.view.lanes) {
    const [first, end] = levels[lane].range(from, state.now.to ?? axis.to);
    if (end > first) return levels[lane].rows[first];
  }
  return history.count ? 0 : -1;
}

function step(by) {
  return (board) => {
    const row = current(board);
    if (row < 0) return go(board, start(board));
    const { first, end } = board.history.lanes[board.history.lane[row]];
    return go(board, Math.max(first, Math.min(end - 1, row + by)));
  };
}

function extreme(last) {
  return (board) => {
    const row = Math.max(0, current(board));
    const { first, end } = board.history.lanes[board.history.lane[row]];
    go(board, last ? end - 1 : first);
  };
}

function across(by) {
  return (board) => {
    const row = current(board);
    if (row < 0) return go(board, start(board));
    const { diagram, history } = board;
    const { axis, levels } = diagram.prepared;
    const { lanes, rankOf } = diagram.view;
    for (let rank = rankOf.get(history.lane[row]) + by; rank >= 0 && rank < lanes.length; rank += by) {
      const { x, rows } = levels[lanes[rank]];
      if (!rows.length) continue;
      const after = lowerBound(x, axis.x[row]);
      const near = [after - 1, after].filter((n) => n >= 0 && n < rows.length);
      near.sort((a, b) => Math.abs(x[a] - axis.x[row]) - Math.abs(x[b] - axis.x[row]));
      return go(board, rows[near[0]]);
    }
  };
}

function follow(board) {
  const { history } = board;
  const row = current(board);
  if (row < 0) return;
  const { send, receive } = history.messages;
  const received = history.receivedAs[row];
  if (received >= 0) return go(board, send[received]);
  const message = [...history.sentBy(row)].find((m) => receive[m] >= 0);
  if (message !== undefined) go(board, receive[message]);
}

function pin(by) {
  return (board) => {
    const { pins } = board.diagram;
    if (!pins.length) return;
    const at = pins.indexOf(board.state.now.selected);
    const row = pins[(at + by + pins.length) % pins.length];
    board.state.change({ selected: row, target: -1 });
    board.diagram.approach(row);
  };
}

function stepCut(by) {
  return ({ diagram, history, state }) => {
    const { selected, cutEnds } = state.now;
    if (!cutEnds || selected < 0) return;
    const { lane, first, end } = history.lanes[history.lane[selected]];
    const moved = Math.max(first, Math.min(end, cutEnds[lane] + by));
    state.change({ cutEnds: cutEnds.map((at, n) => (n === lane ? moved : at)) });
    diagram.redraw();
  };
}

function moveCut(by) {
  return ({ diagram, actions }) => {
    if (!diagram.cut) return;
    const { axis } = diagram.prepared;
    const { lanes } = diagram.view;
    const middle = lanes.reduce((sum, lane) => sum + diagram.cut.x(lane, axis), 0) / lanes.length;
    actions.cutAt(middle + by * (diagram.view.to - diagram.view.from) * 0.02);
  };
}
