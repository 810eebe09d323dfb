/** Part: a piece of the page that is drawn again when its call changes. */

import { LitElement } from "../vendor/lit.js";

/** What moves is drawn this often. Parts are drawn in the same frame: each one costs, however little of it is new. */
const FRAME_MS = 150;
/** What is read moves less often. */
export const SLOW_MS = 300;
/** When those that are drawn this often were drawn, and will be. @type {Record<number, number>} */
const drawnAt = {};
/** @type {Record<number, Promise<void> | undefined>} */
const pending = {};

/** The next frame of this pace; none comes in a hidden tab. @param {number} everyMs */
function nextFrame(everyMs) {
  pending[everyMs] ??= (async () => {
    // A little before it is due: the frame that comes then is taken.
    const earlyMs = everyMs > FRAME_MS ? FRAME_MS / 2 : 0;
    const waitMs = (drawnAt[everyMs] ?? 0) + everyMs - earlyMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (earlyMs) await nextFrame(FRAME_MS);
    else await new Promise(requestAnimationFrame);
    drawnAt[everyMs] = performance.now();
    delete pending[everyMs];
  })();
  return pending[everyMs];
}

/** `draw`, once in the next frame however often it is asked for: events come by the hundred. @param {() => void} draw */
export function inNextFrame(draw, everyMs = FRAME_MS) {
  let isAsked = false;
  return async () => {
    if (isAsked) return;
    isAsked = true;
    await nextFrame(everyMs);
    isAsked = false;
    draw();
  };
}

/** Lit's declaration of what a part shows. @param {string[]} names @returns {any} */
export const shows = (...names) => Object.fromEntries(names.map((name) => [name, { attribute: false }]));

/** Drawn again when what it shows changes. */
export class Part extends LitElement {
  static properties = shows("call");

  /** Events of the call after which it is drawn again: `moved` where it shows how the sound goes on. */
  static follows = ["change"];

  static everyMs = FRAME_MS;

  constructor() {
    super();
    /** @type {Call} */
    this.call = /** @type {any} */ (undefined);
    const { everyMs } = /** @type {typeof Part} */ (this.constructor);
    this.draw = inNextFrame(() => this.isStale() && this.requestUpdate(), everyMs);
  }

  /** In the page's own tree: one style sheet, and labels that find their fields. */
  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    this.listen("addEventListener");
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.listen("removeEventListener");
  }

  /** @param {"addEventListener" | "removeEventListener"} how */
  listen(how) {
    const { follows } = /** @type {typeof Part} */ (this.constructor);
    for (const source of this.sources()) for (const name of follows) source[how](name, this.draw);
  }

  /** Who tells what is new. @returns {EventTarget[]} */
  sources() {
    return [this.call];
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
