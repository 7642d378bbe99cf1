// The state of the page: one value, changed only here; every change calls the listeners.

export class State {
  #values;
  #listeners = [];

  constructor(values) {
    this.#values = values;
  }

  get now() {
    return this.#values;
  }

  /** Set values; listeners receive the names of those that changed. */
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
