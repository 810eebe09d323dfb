/** Part: a piece of the page that is drawn again when its call changes. */

import { LitElement } from "../vendor/lit.js";

/** @typedef {import("../call.js").Call} Call */

/** All that moves is drawn together, 15 times a second: each frame of a page costs, whatever is in it. */
const FRAME_MS = 66;
let drawnAt = 0;
/** @type {Promise<void> | null} */
let pending = null;

/** The next frame in which the page is drawn; none comes in a hidden tab. */
export function nextFrame() {
  pending ??= new Promise((resolve) => {
    const draw = () => {
      drawnAt = performance.now();
      pending = null;
      resolve();
    };
    setTimeout(() => requestAnimationFrame(draw), Math.max(0, drawnAt + FRAME_MS - performance.now()));
  });
  return pending;
}

export class Part extends LitElement {
  static properties = { call: { attribute: false } };

  constructor() {
    super();
    /** @type {Call} */
    this.call = /** @type {any} */ (undefined);
    this.draw = () => this.requestUpdate();
  }

  /** In the page's own tree: one style sheet, and labels that find their fields. */
  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    this.call?.addEventListener("change", this.draw);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.call?.removeEventListener("change", this.draw);
  }

  /** With the other parts, in the next frame: events come by the hundred. */
  async scheduleUpdate() {
    await nextFrame();
    return super.scheduleUpdate();
  }
}

/** @param {number | null | undefined} ms */
export function seconds(ms) {
  return ms === null || ms === undefined ? "" : `${(ms / 1000).toFixed(2)} s`;
}
