// The state of the page: one value, changed in one module; listeners are called with each change.

export class State {
  #values;
  #listeners = [];

  constructor(values) {
    this.#values = values;
  }

  get now() {
    return this.#values;
  }

  /** Take new values in; listeners hear the names of those that differ. */
  change(values) {
    const changed = Object.keys(values).filter((key) => values[key] !== this.#values[key]);
    if (!changed.length) return;
    this.#values = { ...this.#values, ...values };
    for (const listener of this.#listeners) listener(new Set(changed));
  }

  listen(listener) {
    this.#listeners.push(listener);
  }
}
