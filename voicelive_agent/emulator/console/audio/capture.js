/** Capture: the microphone as PCM16 in chunks of 20 ms, each with its peak and its RMS. */

class Capture extends AudioWorkletProcessor {
  /** @param {{processorOptions: {rateHz: number}}} options `rateHz` of the PCM that is wanted */
  constructor({ processorOptions: { rateHz } }) {
    super();
    this.frames = rateHz / 50;
    // A context that has another rate than was asked for (Firefox) is resampled here.
    this.step = sampleRate / rateHz;
    this.position = 0;
    this.before = 0;
    this.begin();
  }

  begin() {
    this.chunk = new Int16Array(this.frames);
    this.filled = 0;
    this.power = 0;
    this.peak = 0;
  }

  /** @param {number} sample */
  take(sample) {
    const clipped = Math.max(-1, Math.min(1, sample));
    this.power += clipped * clipped;
    this.peak = Math.max(this.peak, Math.abs(clipped));
    this.chunk[this.filled++] = Math.round(clipped < 0 ? clipped * 0x8000 : clipped * 0x7fff);
    if (this.filled < this.frames) return;
    const rms = Math.sqrt(this.power / this.frames);
    this.port.postMessage({ pcm: this.chunk, rms, peak: this.peak, at: Date.now() }, [this.chunk.buffer]);
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
