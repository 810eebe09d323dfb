/** Part: a piece of the page that is drawn again when its call changes. */

import { LitElement } from "../vendor/lit.js";

/** What moves is drawn together: each frame of a page costs, and the more the larger a part of it is drawn. */
const FRAME_MS = 125;
/** What is read moves less often: the event log. */
const SLOW_FRAME_MS = 250;
let drawnAt = 0;
let slowDrawnAt = 0;
/** @type {Promise<void> | null} */
let pending = null;
/** @type {Promise<void> | null} */
let slowPending = null;

/** The next frame in which the page is drawn; none comes in a hidden tab. */
function nextFrame() {
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

/** The next of the frames in which all is drawn. */
function nextSlowFrame() {
  slowPending ??= (async () => {
    // A little before it is due: the frame that comes then is taken.
    const waitMs = slowDrawnAt + SLOW_FRAME_MS - FRAME_MS / 2 - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    await nextFrame();
    slowDrawnAt = drawnAt;
    slowPending = null;
  })();
  return slowPending;
}

/** `draw`, once in the next frame however often it is asked for: events come by the hundred. @param {() => void} draw @param {boolean} [isSlow] */
export function inNextFrame(draw, isSlow = false) {
  let isAsked = false;
  return async () => {
    if (isAsked) return;
    isAsked = true;
    await (isSlow ? nextSlowFrame() : nextFrame());
    isAsked = false;
    draw();
  };
}

export class Part extends LitElement {
  static properties = { call: { attribute: false } };

  /** Events of the call after which it is drawn again: `moved` where it shows how the sound goes on. */
  static follows = ["change"];

  static isSlow = false;

  constructor() {
    super();
    /** @type {Call} */
    this.call = /** @type {any} */ (undefined);
    const { isSlow } = /** @type {typeof Part} */ (this.constructor);
    this.draw = inNextFrame(() => this.isStale() && this.requestUpdate(), isSlow);
  }

  /** In the page's own tree: one style sheet, and labels that find their fields. */
  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    for (const name of /** @type {typeof Part} */ (this.constructor).follows) this.call?.addEventListener(name, this.draw);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    for (const name of /** @type {typeof Part} */ (this.constructor).follows) this.call?.removeEventListener(name, this.draw);
  }

  /** Whether what it shows may have changed with its call. */
  isStale() {
    return true;
  }
}

/** @param {number | null | undefined} ms */
export function seconds(ms) {
  return ms === null || ms === undefined ? "" : `${(ms / 1000).toFixed(2)} s`;
}
