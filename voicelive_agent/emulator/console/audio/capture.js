/** Capture: the microphone as PCM16 with its peak and its RMS: chunks of 20 ms, and of 60 ms where it is quiet. */

const CHUNKS_PER_S = 50;
/** Each message costs, and nobody waits for silence. */
const QUIET_CHUNKS = 3;
const QUIET_PEAK = 0.01;
/** For a second after a sound no chunk is held back: the end of the turn is found in them. */
const AWAKE_CHUNKS = CHUNKS_PER_S;

class Capture extends AudioWorkletProcessor {
	/** @param {{processorOptions: {rateHz: number}}} options `rateHz` of the PCM that is wanted */
	constructor({ processorOptions: { rateHz } }) {
		super();
		this.frames = rateHz / CHUNKS_PER_S;
		// A context that has another rate than was asked for (Firefox) is resampled here.
		this.step = sampleRate / rateHz;
		this.position = 0;
		this.before = 0;
		this.samples = new Int16Array(this.frames * QUIET_CHUNKS);
		this.awake = AWAKE_CHUNKS;
		this.begin();
	}

	begin() {
		this.filled = 0;
		this.power = 0;
		this.peak = 0;
	}

	/** @param {number} sample */
	take(sample) {
		const clipped = Math.max(-1, Math.min(1, sample));
		this.power += clipped * clipped;
		this.peak = Math.max(this.peak, Math.abs(clipped));
		this.samples[this.filled++] = Math.round(clipped < 0 ? clipped * 0x8000 : clipped * 0x7fff);
		if (this.filled % this.frames) return;
		this.awake = this.peak > QUIET_PEAK ? AWAKE_CHUNKS : Math.max(0, this.awake - 1);
		if (this.awake || this.filled === this.samples.length) this.tell();
	}

	tell() {
		const pcm = this.samples.slice(0, this.filled);
		const rms = Math.sqrt(this.power / this.filled);
		this.port.postMessage({ pcm, rms, peak: this.peak, at: Date.now() }, [pcm.buffer]);
		this.begin();
	}

	/** @param {Float32Array[][]} inputs */
	process([input]) {
		const samples = input[0];
		if (!samples) return true;
		if (this.step === 1) {
			for (const sample of samples) this.take(sample);
			return true;
		}
		for (const sample of samples) {
			for (; this.position < 1; this.position += this.step) {
				this.take(this.before + (sample - this.before) * this.position);
			}
			this.position -= 1;
			this.before = sample;
		}
		return true;
	}
}

registerProcessor("capture", Capture);
