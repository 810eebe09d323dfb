/** Settings: devices and sound of this page, and the form of the session. */

import { html, live, nothing } from "../vendor/lit.js";
import { define, Part } from "./part.js";
import "./session-form.js";

const SWITCHES = {
	echoCancellation: "Echo cancellation",
	noiseSuppression: "Noise suppression",
	autoGainControl: "Automatic gain",
};

export class Settings extends Part {
	static shows = ["about"];

	constructor() {
		super();
		this.about = null;
		/** @type {MediaDeviceInfo[]} */
		this.devices = [];
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
				<label>Loudspeaker <select @change=${(event) => call.setLoudspeaker({ sinkId: event.target.value })}>${this.renderDevices("audiooutput", preferences.sinkId)}</select></label>
				<label>Volume <input type="range" min="0" max="1" step="0.05" .value=${live(String(preferences.volume))}
					@input=${(event) => call.setLoudspeaker({ volume: Number(event.target.value) })}></label>
				${Object.entries(SWITCHES).map(
					([name, title]) => html`<label class="switch"><input type="checkbox" name=${name}
						.checked=${live(/** @type {any} */ (preferences.processing)[name])}
						@change=${(event) => call.process({ [name]: event.target.checked })}> ${title}</label>`,
				)}
				<label class="switch"><input type="checkbox" .checked=${live(preferences.isGreeting)}
					@change=${(event) => call.prefer({ isGreeting: event.target.checked })}> The agent greets</label>
			</div>
			<p class="quiet">Where the agent hears itself (Firefox, Safari), use headphones.</p>
			<h2>Session</h2>
			<console-session-form .call=${call} .about=${this.about}></console-session-form>`;
	}

	/** @param {MediaDeviceKind} kind @param {string} chosen */
	renderDevices(kind, chosen) {
		const devices = this.devices.filter((device) => device.kind === kind && device.deviceId);
		return html`<option value="" ?selected=${!chosen}>system's choice</option>
			${devices.map(({ deviceId, label }) => html`<option value=${deviceId} ?selected=${deviceId === chosen}>${label || deviceId}</option>`)}${nothing}`;
	}

	async chooseMicrophone(event) {
		this.call.prefer({ deviceId: event.target.value });
		if (this.call.isOpen) await this.call.reopenMicrophone();
	}
}

define("console-settings", Settings);
