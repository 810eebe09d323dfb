/** Compare view: a column for each agent, with what it says and what its turns take, on one scale. */

import { MAX_CALLS } from "../compare.js";
import { html, LitElement, nothing, repeat } from "../vendor/lit.js";
import { scaleMs } from "../wire/turns.js";
import { choicesOf, renderChoice } from "./agent-choice.js";
import "./conversation.js";
import "./waterfall.js";

/** @typedef {import("../call.js").Call} Call */

export class CompareView extends LitElement {
  static properties = { comparison: { attribute: false }, about: { attribute: false } };

  constructor() {
    super();
    /** @type {import("../compare.js").Comparison} */
    this.comparison = /** @type {any} */ (undefined);
    /** @type {any} */
    this.about = null;
    this.draw = () => this.requestUpdate();
  }

  createRenderRoot() {
    return this;
  }

  connectedCallback() {
    super.connectedCallback();
    this.comparison.addEventListener("change", this.draw);
    this.comparison.main.addEventListener("change", this.draw);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.comparison.removeEventListener("change", this.draw);
    this.comparison.main.removeEventListener("change", this.draw);
  }

  render() {
    const { calls } = this.comparison;
    const scale = scaleMs(calls.flatMap(({ rows }) => rows));
    return html`<div class="tools">
        <button ?disabled=${calls.length >= MAX_CALLS} @click=${() => this.comparison.add(nextWish(this.comparison, this.about))}>+ Agent</button>
        <button @click=${() => this.comparison.end()}>Back to one agent</button>
        <span class="quiet">One microphone, and what you write, goes to all of them; one of them is heard.</span>
      </div>
      <div class="columns">${repeat(calls, (call) => call, (call) => this.renderColumn(call, scale))}</div>`;
  }

  /** @param {Call} call @param {number} scale */
  renderColumn(call, scale) {
    const { comparison, about } = this;
    const { state } = call;
    const isMain = call === comparison.main;
    /** @param {import("./agent-choice.js").Wish} wish */
    const choose = (wish) => (isMain ? call.prefer(wish) : comparison.choose(call, wish));
    return html`<section class="column" aria-label=${call.wish.model ? "model" : call.wish.agent}>
      <header>
        ${renderChoice(about, call.wish, isMain && call.isOpen, choose)}
        <span class="pill ${state.tone}" data-state=${state.name}><span class="dot" aria-hidden="true"></span>${state.label}</span>
        <label class="switch"><input type="radio" name="heard" .checked=${comparison.heard === call} @change=${() => comparison.hear(call)}> heard</label>
        ${isMain ? nothing : html`<button class="icon" aria-label="Remove this agent" @click=${() => comparison.remove(call)}>×</button>`}
      </header>
      ${state.tone === "bad" ? html`<p class="note error">${state.sentence} ${this.renderWay(call)}</p>` : nothing}
      <console-conversation .call=${call}></console-conversation>
      <console-waterfall .call=${call} .scale=${scale}></console-waterfall>
    </section>`;
  }

  /** @param {Call} call */
  renderWay(call) {
    if (call.state.way === "ask") return html`<button class="link" @click=${() => call.askAgain()}>Retry</button>`;
    const isBeside = call !== this.comparison.main && this.comparison.main.phase === "open" && !call.isOpen;
    return isBeside ? html`<button class="link" @click=${() => call.talk()}>Retry</button>` : nothing;
  }
}

/** Somebody who is not compared yet. @param {import("../compare.js").Comparison} comparison @param {any} about */
export function nextWish(comparison, about) {
  const choices = choicesOf(about);
  const taken = comparison.calls.map(({ wish }) => wish.model || wish.agent);
  return (choices.find(({ wish }) => !taken.includes(wish.model || wish.agent)) ?? choices[0]).wish;
}

customElements.define("console-compare", CompareView);
