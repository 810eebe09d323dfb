/** Lanes view: both voices on one canvas, with speech, ends of turns, cuts, and what is played again. */

import { html } from "../vendor/lit.js";
import { nextFrame, Part } from "./part.js";

const SPAN_MS = 20_000;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const HEIGHT = 120;

export class LanesView extends Part {
  constructor() {
    super();
    /** @type {{fromMs: number, toMs: number} | null} */
    this.selection = null;
    this.drawnVersion = "";
    this.shown = { fromMs: 0, endMs: SPAN_MS };
    this.isMoving = false;
    this.run = () => {};
  }

  connectedCallback() {
    super.connectedCallback();
    // Only a call moves: an idle page draws nothing.
    this.run = () => (this.call.phase === "open" ? void this.move() : this.paint());
    this.call.addEventListener("change", this.run);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.call.removeEventListener("change", this.run);
  }

  async move() {
    if (this.isMoving) return;
    this.isMoving = true;
    while (this.isConnected && this.call.phase === "open") {
      await nextFrame();
      this.paint();
    }
    this.isMoving = false;
  }

  shouldUpdate() {
    return !this.hasUpdated;
  }

  render() {
    return html`<canvas height=${HEIGHT} role="img" aria-label="20 seconds of both voices" @click=${this.seek}></canvas>`;
  }

  /** What to show instead of the last seconds. @param {{fromMs: number, toMs: number} | null} selection */
  show(selection) {
    this.selection = selection;
    this.paint();
  }

  paint() {
    const canvas = this.querySelector("canvas");
    if (!canvas) return;
    const { lanes } = this.call;
    // Under reduced motion the lanes go on page by page instead of sliding.
    const newest = STILL.matches ? Math.ceil(lanes.endMs / SPAN_MS) * SPAN_MS : lanes.endMs;
    const { fromMs, endMs } = this.window(newest);
    const version = `${this.headMs} ${lanes.endMs} ${fromMs} ${endMs} ${canvas.clientWidth} ${lanes.marks.length} ${document.documentElement.dataset.theme}`;
    if (version === this.drawnVersion) return;
    this.drawnVersion = version;
    this.shown = { fromMs, endMs };
    new Painting(canvas, lanes, fromMs, endMs).paint(this.selection, this.headMs);
  }

  /** What is played again now, in a recording or of a turn. @returns {number | null} */
  get headMs() {
    return this.call.headMs;
  }

  /** The selected turn, or the page of 20 s that is played again, or the newest. @param {number} newest */
  window(newest) {
    if (this.selection) return { fromMs: Math.max(0, this.selection.fromMs - 1000), endMs: this.selection.toMs + 1000 };
    const fromMs = this.headMs === null ? Math.max(SPAN_MS, newest) - SPAN_MS : Math.floor(this.headMs / SPAN_MS) * SPAN_MS;
    return { fromMs, endMs: fromMs + SPAN_MS };
  }

  /** @param {MouseEvent} event */
  seek(event) {
    const width = this.querySelector("canvas")?.clientWidth;
    if (!width || this.headMs === null) return;
    const ms = this.shown.fromMs + (event.offsetX / width) * (this.shown.endMs - this.shown.fromMs);
    this.dispatchEvent(new CustomEvent("seek", { detail: ms, bubbles: true }));
  }
}

class Painting {
  /** @param {HTMLCanvasElement} canvas @param {import("../wire/lanes.js").Lanes} lanes @param {number} fromMs @param {number} toMs */
  constructor(canvas, lanes, fromMs, toMs) {
    const scale = devicePixelRatio || 1;
    this.width = canvas.clientWidth;
    if (canvas.width !== Math.round(this.width * scale)) canvas.width = Math.round(this.width * scale);
    if (canvas.height !== HEIGHT * scale) canvas.height = HEIGHT * scale;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
    const style = getComputedStyle(canvas);
    this.color = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
    this.lanes = lanes;
    this.fromMs = fromMs;
    this.toMs = toMs;
  }

  /** @param {number} ms */
  x(ms) {
    return ((ms - this.fromMs) / (this.toMs - this.fromMs)) * this.width;
  }

  /** @param {{fromMs: number, toMs: number} | null} selection @param {number | null} headMs */
  paint(selection, headMs) {
    const { context } = this;
    context.clearRect(0, 0, this.width, HEIGHT);
    context.font = "11px system-ui, sans-serif";
    if (selection) this.band(selection.fromMs, selection.toMs, "select", 0, HEIGHT);
    for (const { fromMs, toMs } of this.lanes.speech) this.band(fromMs, toMs ?? this.lanes.endMs, "you-band", 12, 40);
    for (const { fromMs, toMs } of this.lanes.answers.values()) this.band(fromMs, toMs, "spoken", 72, 32);
    this.lane("you", 32);
    this.lane("agent", 88);
    for (const mark of this.lanes.marks) this.mark(mark);
    if (headMs !== null) this.head(headMs);
  }

  /** @param {number} ms */
  head(ms) {
    this.context.fillStyle = this.color("focus");
    this.context.fillRect(this.x(ms) - 1, 0, 2, HEIGHT);
  }

  /** @param {number} fromMs @param {number} toMs @param {string} color @param {number} top @param {number} height */
  band(fromMs, toMs, color, top, height) {
    if (toMs < this.fromMs || fromMs > this.toMs) return;
    this.context.fillStyle = this.color(color);
    this.context.fillRect(this.x(fromMs), top, this.x(toMs) - this.x(fromMs), height);
  }

  /** @param {"you" | "agent"} side @param {number} middle */
  lane(side, middle) {
    const { context } = this;
    context.fillStyle = this.color("quiet");
    context.fillText(side, 0, middle - 20);
    context.fillStyle = this.color(side);
    context.fillRect(0, middle, this.width, 0.5);
    const stepMs = ((this.toMs - this.fromMs) / this.width) * 3;
    for (let x = 0; x < this.width; x += 3) {
      const at = this.fromMs + (x / 3) * stepMs;
      const half = Math.min(1, this.lanes.peak(side, at, at + stepMs)) * 24;
      if (half > 0.4) context.fillRect(x, middle - half, 2, half * 2);
    }
  }

  /** @param {{atMs: number, label: string, isCut: boolean}} mark */
  mark({ atMs, label, isCut }) {
    if (atMs < this.fromMs || atMs > this.toMs) return;
    const { context } = this;
    const x = Math.round(this.x(atMs)) + 0.5;
    context.strokeStyle = context.fillStyle = this.color(isCut ? "cut" : "quiet");
    context.setLineDash([3, 3]);
    context.beginPath();
    context.moveTo(x, 2);
    context.lineTo(x, HEIGHT - 4);
    context.stroke();
    context.setLineDash([]);
    context.fillText(label, x + 4, isCut ? HEIGHT - 2 : 63);
  }
}

customElements.define("console-lanes", LanesView);
