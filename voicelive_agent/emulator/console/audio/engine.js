/** Audio engine: one AudioContext, the microphone into it, the answers out of it. */

import { RATE_HZ } from "./pcm.js";

const CUT_TIMEOUT_MS = 500;

export class AudioEngine {
	/** @param {EngineListener} listener */
	constructor(listener) {
		this.listener = listener;
		/** @type {AudioContext | null} */
		this.context = null;
		/** @type {MediaStream | null} */
		this.stream = null;
		/** @type {AudioWorkletNode | null} */
		this.playback = null;
		/** @type {AudioWorkletNode | null} */
		this.capture = null;
		/** @type {GainNode | null} */
		this.gain = null;
		/** Shut where this engine's answers are played, but not heard. @type {GainNode | null} */
		this.gate = null;
		this.isHeard = true;
		/** Whose context, microphone and loudspeaker this one shares. @type {AudioEngine | null} */
		this.lead = null;
		/** @type {MediaStreamAudioSourceNode | null} */
		this.source = null;
		this.volume = 1;
		this.sinkId = "";
		/** @type {Promise<void> | null} */
		this.built = null;
		this.cuts = 0;
		/** @type {Map<number, (report: {at: number, items: Cut[]}) => void>} */
		this.waiting = new Map();
	}

	/** What takes long at the first sound of a page, done before it: nothing sounds yet. */
	prepare() {
		this.built ??= this.build(new AudioContext({ sampleRate: RATE_HZ, latencyHint: "interactive" }));
		return this.built;
	}

	/** Must be called in a click: browsers start no context otherwise. */
	async openLoudspeaker() {
		if (this.lead) return this.share(this.lead);
		const built = this.prepare();
		await Promise.all([built, this.context?.resume()]);
	}

	/** @param {AudioEngine} lead */
	async share(lead) {
		await lead.openLoudspeaker();
		if (!lead.context?.audioWorklet || this.context === lead.context) return;
		this.context = lead.context;
		this.addPlayback(lead.context, /** @type {GainNode} */ (lead.gain));
	}

	/** @param {AudioContext} context @param {AudioNode} into */
	addPlayback(context, into) {
		const processorOptions = { rateHz: RATE_HZ };
		this.playback = new AudioWorkletNode(context, "playback", { numberOfInputs: 0, outputChannelCount: [1], processorOptions });
		this.playback.port.onmessage = ({ data }) => this.receive(data);
		this.gate = new GainNode(context, { gain: this.isHeard ? 1 : 0 });
		this.playback.connect(this.gate).connect(into);
	}

	/** @param {boolean} isHeard */
	setHeard(isHeard) {
		this.isHeard = isHeard;
		if (this.gate) this.gate.gain.value = isHeard ? 1 : 0;
	}

	/** @param {AudioContext} context */
	async build(context) {
		this.context = context;
		if (this.sinkId) void /** @type {any} */ (context).setSinkId?.(this.sinkId).catch(() => {});
		// Where the page is no secure context there are no worklets: answers are read, not heard.
		if (!context.audioWorklet) return;
		const here = (/** @type {string} */ name) => new URL(name, import.meta.url).href;
		await Promise.all([
			context.audioWorklet.addModule(here("capture.js")),
			context.audioWorklet.addModule(here("playback.js")),
		]);
		this.capture = new AudioWorkletNode(context, "capture", { numberOfOutputs: 0, processorOptions: { rateHz: RATE_HZ } });
		this.capture.port.onmessage = ({ data }) => this.listener.captured(data);
		this.gain = new GainNode(context, { gain: this.volume });
		this.gain.connect(context.destination);
		this.addPlayback(context, this.gain);
	}

	/**
	 * Rejects with the browser's NotAllowedError or NotFoundError.
	 * @param {Processing} processing @param {string} deviceId empty for the system's choice
	 */
	async openMicrophone(processing, deviceId) {
		const audio = { ...processing, channelCount: 1, ...(deviceId && { deviceId: { exact: deviceId } }) };
		const stream = await navigator.mediaDevices.getUserMedia({ audio });
		this.closeMicrophone();
		this.stream = stream;
		const [track] = stream.getAudioTracks();
		track.onended = () => this.stream === stream && this.listener.microphoneLost();
	}

	/** Let what the microphone hears into the context, once both are open. */
	async connectMicrophone() {
		if (!this.stream || !this.context || !this.capture) return;
		try {
			this.source = this.context.createMediaStreamSource(this.stream);
		} catch (error) {
			if (!(error instanceof DOMException && error.name === "NotSupportedError")) throw error;
			// Older Firefox connects a microphone at the device's own rate only.
			await this.context.close();
			await this.build(new AudioContext({ latencyHint: "interactive" }));
			this.source = this.context.createMediaStreamSource(this.stream);
		}
		this.source.connect(this.capture);
	}

	closeMicrophone() {
		this.source?.disconnect();
		this.source = null;
		for (const track of this.stream?.getTracks() ?? []) {
			track.onended = null;
			track.stop();
		}
		this.stream = null;
	}

	async close() {
		this.closeMicrophone();
		await this.cut();
		if (!this.lead) await this.context?.suspend();
	}

	/** @param {string} item @param {Int16Array} samples */
	play(item, samples) {
		this.playback?.port.postMessage({ item, samples }, [samples.buffer]);
	}

	/** No more of this item will come. @param {string} item */
	end(item) {
		this.playback?.port.postMessage({ end: item });
	}

	/**
	 * Silence; what was played of each item until then, and what was not.
	 * @returns {Promise<{at: number, items: Cut[]}>}
	 */
	cut() {
		const { playback } = this;
		if (!playback) return Promise.resolve({ at: Date.now(), items: [] });
		const id = ++this.cuts;
		playback.port.postMessage({ cut: id });
		return new Promise((resolve) => {
			this.waiting.set(id, resolve);
			// A context that the browser has stopped answers nothing, and plays nothing.
			setTimeout(() => this.receive({ cut: id, at: Date.now(), items: [] }), CUT_TIMEOUT_MS);
		});
	}

	/** Now, or once it is open. @param {{volume: number, sinkId: string}} wish `volume` from 0 to 1, no `sinkId` for the system's choice */
	async setLoudspeaker({ volume, sinkId }) {
		this.volume = volume;
		if (this.gain) this.gain.gain.value = volume;
		if (this.sinkId === sinkId) return;
		this.sinkId = sinkId;
		// One that is gone leaves the sound where it is.
		await /** @type {any} */ (this.context)?.setSinkId?.(sinkId).catch(() => {});
	}

	/** Milliseconds from the context to the loudspeaker, as the browser estimates them. */
	get outputLatencyMs() {
		return (this.context?.outputLatency ?? 0) * 1000;
	}

	receive(message) {
		if (message.cut === undefined) {
			this.listener.playback(message);
			return;
		}
		this.waiting.get(message.cut)?.(message);
		this.waiting.delete(message.cut);
	}
}
