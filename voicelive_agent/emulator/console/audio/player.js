/** Player: the sound of a recording, or of a turn, through the page's loudspeaker, each voice on its own. */

const TICK_MS = 50;

export class Player {
	/** @param {AudioEngine} engine @param {PlayerListener} listener */
	constructor(engine, listener) {
		this.engine = engine;
		this.listener = listener;
		/** @type {HTMLAudioElement | null} */
		this.element = null;
		/** @type {GainNode[]} */
		this.gains = [];
		this.isOn = { you: true, agent: true };
		/** Where the file begins on the timeline that is shown. */
		this.offsetMs = 0;
		this.untilMs = Number.POSITIVE_INFINITY;
		this.timer = 0;
	}

	get isPlaying() {
		return this.element !== null && !this.element.paused && !this.element.ended;
	}

	get durationMs() {
		const { duration } = this.element ?? { duration: 0 };
		return Number.isFinite(duration) ? duration * 1000 : 0;
	}

	/** Must be called in a click. @param {Blob} wav stereo: person left, agent right @param {number} [offsetMs] */
	async load(wav, offsetMs = 0) {
		this.unload();
		await this.engine.openLoudspeaker();
		const { context, gain } = this.engine;
		if (!context || !gain) return;
		const element = new Audio(URL.createObjectURL(wav));
		element.onended = () => this.pause();
		this.element = element;
		this.offsetMs = offsetMs;
		const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
		context.createMediaElementSource(element).connect(splitter);
		this.gains = [0, 1].map((channel) => {
			const side = new GainNode(context);
			splitter.connect(side, channel);
			side.connect(gain);
			return side;
		});
		this.mix();
		await new Promise((resolve) => {
			element.onloadedmetadata = element.onerror = resolve;
		});
	}

	unload() {
		this.pause();
		for (const gain of this.gains) gain.disconnect();
		this.gains = [];
		if (this.element) URL.revokeObjectURL(this.element.src);
		this.element = null;
	}

	/** @param {Side} side @param {boolean} isOn */
	setSide(side, isOn) {
		this.isOn[side] = isOn;
		this.mix();
	}

	mix() {
		const [you, agent] = this.gains;
		if (you) you.gain.value = Number(this.isOn.you);
		if (agent) agent.gain.value = Number(this.isOn.agent);
	}

	/** Play on, or from a moment up to another. @param {number} [fromMs] @param {number} [toMs] */
	async play(fromMs, toMs = Number.POSITIVE_INFINITY) {
		const { element } = this;
		if (!element) return;
		await this.engine.openLoudspeaker();
		if (fromMs !== undefined) this.seek(fromMs);
		else if (element.ended) this.seek(this.offsetMs);
		this.untilMs = toMs;
		clearInterval(this.timer);
		this.timer = setInterval(() => this.tick(), TICK_MS);
		await element.play().catch(() => this.pause());
	}

	/** @param {number} ms */
	seek(ms) {
		if (!this.element) return;
		this.element.currentTime = Math.max(0, ms - this.offsetMs) / 1000;
		this.listener.moved(Math.max(this.offsetMs, ms));
	}

	tick() {
		if (!this.element) return;
		const ms = this.offsetMs + this.element.currentTime * 1000;
		this.listener.moved(ms);
		if (ms >= this.untilMs) this.pause();
	}

	pause() {
		const wasPlaying = this.timer !== 0;
		clearInterval(this.timer);
		this.timer = 0;
		this.element?.pause();
		if (wasPlaying) this.listener.stopped();
	}
}
