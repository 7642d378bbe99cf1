// The pointer in the diagram: pan, zoom, select, drag a cut, and show a tooltip.

import { ENDS, sentence } from "../history/describe.js";
import { span } from "../page/format.js";
import { Cut } from "./cut.js";

const CLICK_PX = 4;
const ZOOM = 1.25;

export class Pointer {
  constructor(diagram, tip) {
    Object.assign(this, { diagram, tip });
    const { canvas } = diagram;
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#up(event));
    canvas.addEventListener("pointercancel", () => this.#release());
    canvas.addEventListener("pointerleave", () => (tip.hidden = true));
    canvas.addEventListener("dblclick", (event) => diagram.zoom(ZOOM ** 3, event.offsetX));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  #wheel(event) {
    const { diagram } = this;
    const focused = document.activeElement === diagram.canvas;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      event.preventDefault();
      diagram.pan(event.deltaX / diagram.view.width);
    } else if (event.shiftKey && diagram.view.overflow) {
      event.preventDefault();
      diagram.scrollTo(diagram.view.scroll + event.deltaY);
    } else if (focused || event.ctrlKey || event.metaKey) {
      event.preventDefault();
      diagram.zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 150 : 400)), event.offsetX);
    }
  }

  #down(event) {
    const { canvas, cut, view } = this.diagram;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const { offsetX: x, offsetY: y } = event;
    const lane = cut ? cut.handleAt(view, x, y) : -1;
    const { from, to, scroll } = view;
    this.drag = { x, y, from, to, scroll, lane, all: event.altKey, box: event.shiftKey };
  }

  #move(event) {
    const { offsetX: x, offsetY: y } = event;
    const { diagram, drag } = this;
    if (!drag) return this.#hover(x, y);
    if (!drag.moved && Math.hypot(x - drag.x, y - drag.y) < CLICK_PX) return;
    drag.moved = true;
    this.tip.hidden = true;
    if (drag.lane >= 0) this.#dragCut(drag, x);
    else if (drag.box) diagram.mark(Math.min(x, drag.x), Math.max(x, drag.x));
    else {
      diagram.canvas.classList.add("dragging");
      const shift = ((drag.x - x) / diagram.view.width) * (drag.to - drag.from);
      diagram.show(drag.from + shift, drag.to + shift);
      if (diagram.view.overflow) diagram.scrollTo(drag.scroll + drag.y - y);
    }
  }

  #dragCut({ lane, all }, px) {
    const { diagram } = this;
    const x = diagram.view.at(px);
    const { levels } = diagram.prepared;
    const cut = all ? Cut.at(diagram.history, levels, x) : diagram.cut.moved(lane, levels[lane], x);
    diagram.holdCut({ lane, all, x }, cut.ends);
  }

  #up({ offsetX: x, offsetY: y }) {
    const { diagram, drag } = this;
    const { box } = diagram;
    this.#release();
    if (!drag) return;
    if (box) diagram.show(diagram.view.at(box[0]), diagram.view.at(box[1]));
    else if (!drag.moved && drag.lane < 0) this.#click(x, y);
  }

  #release() {
    this.drag = null;
    this.diagram.letGo();
    this.diagram.canvas.classList.remove("dragging");
  }

  #click(x, y) {
    const { diagram } = this;
    const row = diagram.eventAt(x, y);
    if (row >= 0) diagram.pick(row);
    else diagram.state.change({ selected: -1, target: -1 });
  }

  #hover(x, y) {
    const { diagram, tip } = this;
    if (!diagram.view) return;
    const row = diagram.eventAt(x, y);
    const message = row < 0 ? diagram.messageAt(x, y) : -1;
    const text = row >= 0 ? sentence(diagram.history, row) : message >= 0 ? messageText(diagram.history, message) : "";
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const left = x > diagram.view.width / 2 ? Math.max(0, x - tip.offsetWidth - 12) : x + 14;
    tip.style.transform = `translate(${left}px, ${y + 16}px)`;
  }
}

function messageText(history, message) {
  const { send, receive, receiver, end, arrived } = history.messages;
  const whole = `${history.name(send[message])} to ${history.head.names[receiver[message]]}`;
  if (receive[message] < 0) return `${whole}: ${ENDS[history.head.ends[end[message]]]}`;
  const sent = history.at[send[message]], received = history.at[receive[message]];
  if (Number.isNaN(arrived[message])) return `${whole}, received as ${history.name(receive[message])} ${span(received - sent)} later`;
  const late = history.late[message] ? ", late" : "";
  return `${whole}: ${span(arrived[message] - sent)} in flight${late}, ${span(received - arrived[message])} in the inbox`;
}
