/** Bar: who is called, Talk and Hang up, the state in words, both levels. */

import { html, nothing } from "../vendor/lit.js";
import "./face.js";
import { Part } from "./part.js";

export class Bar extends Part {
  static properties = { ...Part.properties, about: { attribute: false } };

  constructor() {
    super();
    /** @type {any} */
    this.about = null;
    this.role = "banner";
  }

  render() {
    const { call } = this;
    const { state } = call;
    const isInCall = call.isOpen;
    return html`
      <h1 class="for-readers">Voice agent console</h1>
      <console-face .call=${call}></console-face>
      ${this.renderAgents()}
      ${
        isInCall
          ? html`<button class="hang-up" @click=${() => call.hangUp()}>Hang up <kbd>T</kbd></button>`
          : html`<button class="talk" @click=${() => call.talk()}>Talk <kbd>T</kbd></button>`
      }
      <button class="in-call" ?disabled=${!isInCall} aria-pressed=${call.isMuted} @click=${() => call.mute()}>
        ${call.isMuted ? "Unmute" : "Mute"} <kbd>M</kbd>
      </button>
      <button class="in-call wide" ?disabled=${!call.session.isAnswering} @click=${() => call.interrupt()}>Interrupt <kbd>Esc</kbd></button>
      <button class="in-call wide" ?disabled=${!isInCall || !call.hasMicrophone} aria-pressed=${call.isPushToTalk}
        title="Hold Space, or this button, while you speak"
        @pointerdown=${() => call.hold()} @pointerup=${() => call.release()} @pointerleave=${() => call.release()}>Hold to talk</button>
      <span class="pill ${state.tone}" role="status" data-state=${state.name}><span class="dot" aria-hidden="true"></span>${state.label}</span>
      <span class="levels wide">${this.renderLevel("you", call.inputLevel * 4)}${this.renderLevel("agent", call.outputLevel * 1.5)}</span>
      <span class="spacer"></span>
      <button class="wide" @click=${() => this.tell("settings")}>Settings <kbd>,</kbd></button>
      <button class="icon" aria-label="Light or dark (D)" title="Light or dark (D)" @click=${() => this.tell("theme")}>◐</button>
      <button class="icon" aria-label="Keys (?)" title="Keys (?)" @click=${() => this.tell("help")}>?</button>`;
  }

  renderAgents() {
    const { call, about } = this;
    /** @type {any[]} */
    const agents = about?.agents ?? [];
    const isModel = Boolean(call.preferences.model);
    const named = agents.map(({ name, url }) => ({ value: name === "*" ? "agent" : name, label: `${name === "*" ? "agent" : name} → ${url.replace(/^https?:\/\//, "")}` }));
    if (!named.length) named.push({ value: "agent", label: "agent" });
    const chosen = isModel ? "model:" : call.preferences.agent || named[0].value;
    return html`<select aria-label="Who answers" ?disabled=${call.isOpen} @change=${this.choose}>
      ${named.map(({ value, label }) => html`<option value=${value} ?selected=${value === chosen}>${label}</option>`)}
      <option value="model:" ?selected=${isModel}>model${about?.model?.name ? ` (${about.model.name})` : ""}</option>
    </select>`;
  }

  /** @param {Event} event */
  choose(event) {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    this.call.prefer(value === "model:" ? { model: "local" } : { agent: value, model: "" });
    this.tell("look");
  }

  /** @param {"you" | "agent"} who @param {number} level */
  renderLevel(who, level) {
    return html`<span class="level ${who}">${who}<svg width="52" height="8" aria-hidden="true"><rect class="track" width="52" height="8" rx="4"/><rect
      class="fill" width=${Math.round(Math.min(1, level) * 52)} height="8" rx="4"/></svg></span>${nothing}`;
  }

  /** @param {string} what */
  tell(what) {
    this.dispatchEvent(new CustomEvent("console", { detail: what, bubbles: true }));
  }
}

customElements.define("console-bar", Bar);
