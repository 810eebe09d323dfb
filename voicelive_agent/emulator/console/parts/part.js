/** Part: a piece of the page that is drawn again when its call changes. */

import { LitElement } from "../vendor/lit.js";

/** @typedef {import("../call.js").Call} Call */

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

  /** Once a frame at most: events come by the hundred. */
  async scheduleUpdate() {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return super.scheduleUpdate();
  }
}

/** @param {number | null | undefined} ms */
export function seconds(ms) {
  return ms === null || ms === undefined ? "" : `${(ms / 1000).toFixed(2)} s`;
}
