// What a clock claims about a selected event and all others, against the happened-before relation.

import { grouped, many } from "../page/format.js";
import { orderOf } from "./orders.js";

/** A clock's claims about an event: it comes before the selected one, after it, or neither. */
export const NEITHER = 0;
export const BEFORE = 1;
export const AFTER = 2;

/** The claims that are wrong, by row; 0 is right. */
export const PUT_BEFORE = 1;
export const PUT_AFTER = 2;
export const LOST = 3;
export const REVERSED = 4;

/** The claims of one clock about the selected event and each other one; `cone` is the truth. */
export class Claims {
  /** Return the claims, null if the page has no rule for the clock. */
  static of(history, clock, cone) {
    const precedes = clock && cone && orderOf(clock);
    return precedes ? new Claims(history, clock, cone, precedes) : null;
  }

  constructor(history, clock, cone, precedes) {
    const { row, pastEnd, futureBegin } = cone;
    Object.assign(this, { clock, row });
    this.claimed = new Uint8Array(history.count);
    this.wrong = new Uint8Array(history.count);
    this.counts = [0, 0, 0, 0, 0];
    this.causal = cone.past + cone.future;
    for (const { lane, first, end } of history.lanes) {
      for (let other = first; other < end; other++) {
        if (other === row) continue;
        const claimed = precedes(other, row) ? BEFORE : precedes(row, other) ? AFTER : NEITHER;
        const truth = other < pastEnd[lane] ? BEFORE : other >= futureBegin[lane] ? AFTER : NEITHER;
        this.claimed[other] = claimed;
        this.wrong[other] = judged(claimed, truth);
        this.counts[this.wrong[other]]++;
      }
    }
  }

  /** Return the wrong claims as sentences. */
  sentences() {
    const { clock: { name }, counts } = this;
    const concurrent = counts[PUT_BEFORE] + counts[PUT_AFTER]
      ? `${name} puts ${many(counts[PUT_BEFORE], "concurrent event")} before this one and ${grouped(counts[PUT_AFTER])} after it.`
      : `${name} puts no concurrent event before this one or after it.`;
    const causal = counts[LOST] + counts[REVERSED]
      ? `Of the ${many(this.causal, "causally related event")}, it does not order ${grouped(counts[LOST])}, and orders ${grouped(counts[REVERSED])} the wrong way round.`
      : `It orders ${this.causal === 1 ? "the 1 causally related event" : `all ${grouped(this.causal)} causally related events`} correctly.`;
    return this.causal ? [concurrent, causal] : [concurrent];
  }

  /** Return by row whether another clock claims something else: 1 or 0. */
  differences(other) {
    this.against ??= new Map();
    if (!this.against.has(other)) {
      this.against.set(other, this.claimed.map((claimed, row) => Number(claimed !== other.claimed[row])));
    }
    return this.against.get(other);
  }
}

function judged(claimed, truth) {
  if (claimed === truth) return 0;
  if (truth === NEITHER) return claimed === BEFORE ? PUT_BEFORE : PUT_AFTER;
  return claimed === NEITHER ? LOST : REVERSED;
}
