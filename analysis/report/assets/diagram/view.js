// The visible part of the history: conversion between positions and pixels.

export const AXIS_PX = 30;
const MIN_LANE_PX = 36;
const MAX_LANE_PX = 132;
const MAX_HEIGHT_PX = 620;
const MIN_HEIGHT_PX = 300;

/** The geometry of one picture, created for every drawing. */
export class View {
  constructor({ axis, from, to, width, lanes, scroll = 0, strip = 0 }) {
    Object.assign(this, { axis, from, to, width, lanes });
    const room = Math.max(MIN_HEIGHT_PX, lanes.length * 92);
    this.height = Math.min(MAX_HEIGHT_PX, room) + AXIS_PX + strip;
    const inside = this.height - AXIS_PX - strip;
    this.lanePx = Math.min(MAX_LANE_PX, Math.max(MIN_LANE_PX, inside / Math.max(1, lanes.length)));
    this.overflow = Math.max(0, lanes.length * this.lanePx - inside);
    this.scroll = Math.min(Math.max(0, scroll), this.overflow);
    this.top = AXIS_PX + strip + Math.max(0, (inside - lanes.length * this.lanePx) / 2);
    this.rankOf = new Map(lanes.map((lane, rank) => [lane, rank]));
    this.perPx = (to - from) / width;
  }

  /** Return the pixel of a position. */
  px(x) {
    return (x - this.from) / this.perPx;
  }

  /** Return the position of a pixel. */
  at(px) {
    return this.from + px * this.perPx;
  }

  /** Return the y coordinate of a lane's line; undefined for a hidden lane. */
  y(lane) {
    const rank = this.rankOf.get(lane);
    return rank === undefined ? undefined : this.top + (rank + 0.5) * this.lanePx - this.scroll;
  }

  /** Return the rank, among the shown lanes, of the lane at a y coordinate. */
  rankAt(y) {
    const rank = Math.floor((y - this.top + this.scroll) / this.lanePx);
    return Math.max(0, Math.min(this.lanes.length - 1, rank));
  }

  /** Return the lanes that overlap the canvas. */
  seen() {
    return this.lanes.filter((lane) => {
      const y = this.y(lane);
      return y > AXIS_PX - this.lanePx && y < this.height + this.lanePx;
    });
  }
}

/** Move and scale a range so that it lies within the axis and is not too narrow. */
export function clamped(axis, from, to) {
  const whole = axis.to - axis.from;
  const width = Math.min(whole, Math.max(axis.closest, to - from));
  const middle = (from + to) / 2;
  const low = Math.min(Math.max(middle - width / 2, axis.from), axis.to - width);
  return { from: low, to: low + width };
}
