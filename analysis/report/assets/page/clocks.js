// The choice of clocks: whose timestamps stand beside events, and whose claims are shown.

import { made } from "./elements.js";

/** Fill both lists of clocks, and follow the state. */
export function offerClocks(history, state) {
  const [clock, second] = ["clock", "second"].map((id) => document.getElementById(id));
  for (const [list, none] of [[clock, "none"], [second, "–"]]) {
    list.replaceChildren(
      made("option", { value: "" }, none),
      ...history.clocks.map(({ name }) => made("option", { value: name }, name)),
      ...history.head.left_out.map((name) => made("option", { value: name, disabled: true }, `${name}: too large for a page`)),
    );
    list.addEventListener("change", () => state.change({ [list.id]: list.value }));
  }
  second.parentElement.hidden = history.clocks.length < 2;
  document.getElementById("clocks").hidden = !history.clocks.length && !history.head.left_out.length;
  showClocks(state);
}

export function showClocks({ now }) {
  document.getElementById("clock").value = now.clock;
  document.getElementById("second").value = now.second;
  document.getElementById("wrong").setAttribute("aria-pressed", String(now.wrong));
}

/** Return the name of the clock after another one; after the last one, "" for none. */
export function nextClock(history, name) {
  const names = ["", ...history.clocks.map((clock) => clock.name)];
  return names[(names.indexOf(name) + 1) % names.length];
}
