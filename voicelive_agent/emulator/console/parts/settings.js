/** Settings: devices and sound of this page, and the session that a call asks for. */

import { html, live, nothing } from "../vendor/lit.js";
import { SESSION } from "../preferences.js";
import { SNIPPETS } from "../wire/snippets.js";
import { copyText } from "./event-log.js";
import { Part } from "./part.js";

const SWITCHES = {
  echoCancellation: "Echo cancellation",
  noiseSuppression: "Noise suppression",
  autoGainControl: "Automatic gain",
};

export class Settings extends Part {
  static properties = { ...Part.properties, about: { attribute: false } };

  constructor() {
    super();
    /** @type {any} */
    this.about = null;
    /** @type {MediaDeviceInfo[]} */
    this.devices = [];
    this.text = "";
    this.problem = "";
    this.seen = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    this.text = JSON.stringify(this.call.wishes, null, 2);
    this.seen = this.call.session.entries.length;
  }

  async firstUpdated() {
    await this.listDevices();
    navigator.mediaDevices?.addEventListener("devicechange", () => this.listDevices());
  }

  async listDevices() {
    this.devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    this.requestUpdate();
  }

  render() {
    const { call } = this;
    const { preferences } = call;
    return html`
      <h2>Sound of this page</h2>
      <div class="fields">
        <label>Microphone <select @change=${this.chooseMicrophone}>${this.renderDevices("audioinput", preferences.deviceId)}</select></label>
        <label>Loudspeaker <select @change=${this.chooseLoudspeaker}>${this.renderDevices("audiooutput", preferences.sinkId)}</select></label>
        <label>Volume <input type="range" min="0" max="1" step="0.05" .value=${live(String(preferences.volume))}
          @input=${(/** @type {any} */ event) => call.setVolume(Number(event.target.value))}></label>
        ${Object.entries(SWITCHES).map(
          ([name, title]) => html`<label class="switch"><input type="checkbox" name=${name}
            .checked=${live(/** @type {any} */ (preferences.processing)[name])}
            @change=${(/** @type {any} */ event) => call.process({ [name]: event.target.checked })}> ${title}</label>`,
        )}
        <label class="switch"><input type="checkbox" .checked=${live(preferences.isGreeting)}
          @change=${(/** @type {any} */ event) => call.prefer({ isGreeting: event.target.checked })}> The agent greets</label>
      </div>
      <p class="quiet">Where the agent hears itself (Firefox, Safari), use headphones.</p>
      <h2><label for="session">Session that the console asks for</label></h2>
      <textarea id="session" spellcheck="false" rows="14" aria-describedby="session-says" aria-invalid=${this.problem !== ""}
        .value=${live(this.text)} @input=${this.edit}></textarea>
      <p id="session-says" role="alert" class=${this.problem ? "note error" : "note"}>${this.problem || this.saying}</p>
      <div class="tools">
        <button ?disabled=${this.problem !== ""} @click=${this.apply}>${call.phase === "open" ? "Apply now" : "Keep for the next call"}</button>
        <button @click=${this.reset}>Back to the defaults</button>
        ${Object.entries(SNIPPETS).map(
          ([name, write]) => html`<button @click=${() => copyText(write(call.wishes))}>Copy as ${name}</button>`,
        )}
      </div>
      <h2>Session as the service has it</h2>
      <pre class="quiet" tabindex="0">${call.session.id ? JSON.stringify(call.session.settings, null, 2) : "No call yet."}</pre>`;
  }

  /** What the service answered to the last change, or what a change does. */
  get saying() {
    const note = this.call.session.entries.slice(this.seen).findLast(({ kind }) => kind === "note");
    if (note?.kind === "note") return note.text;
    return "The voice and the input format apply at the next call once there was sound; all else applies at once.";
  }

  /** @param {Event} event */
  edit(event) {
    this.text = /** @type {HTMLTextAreaElement} */ (event.target).value;
    this.problem = "";
    try {
      const value = JSON.parse(this.text);
      if (value === null || typeof value !== "object" || Array.isArray(value)) this.problem = "This must be an object: { … }";
    } catch (error) {
      this.problem = String(/** @type {Error} */ (error).message);
    }
    this.requestUpdate();
  }

  apply() {
    const session = JSON.parse(this.text);
    this.seen = this.call.session.entries.length;
    this.call.prefer({ session });
    if (this.call.phase === "open") this.call.update(session);
  }

  reset() {
    this.text = JSON.stringify(SESSION, null, 2);
    this.problem = "";
    this.apply();
    this.requestUpdate();
  }

  /** @param {MediaDeviceKind} kind @param {string} chosen */
  renderDevices(kind, chosen) {
    const devices = this.devices.filter((device) => device.kind === kind && device.deviceId);
    return html`<option value="" ?selected=${!chosen}>system's choice</option>
      ${devices.map(({ deviceId, label }) => html`<option value=${deviceId} ?selected=${deviceId === chosen}>${label || deviceId}</option>`)}${nothing}`;
  }

  /** @param {any} event */
  async chooseMicrophone(event) {
    this.call.prefer({ deviceId: event.target.value });
    if (this.call.isOpen) await this.call.reopenMicrophone();
  }

  /** @param {any} event */
  async chooseLoudspeaker(event) {
    this.call.prefer({ sinkId: event.target.value });
    await /** @type {any} */ (this.call.engine.context)?.setSinkId?.(event.target.value);
  }
}

customElements.define("console-settings", Settings);
