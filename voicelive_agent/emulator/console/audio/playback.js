/**
 * Playback: a queue of PCM16 that can be cut, and that counts what was really played of each item.
 *
 * The first delta of an answer is shorter than the wait for the second one, so an answer is held
 * back until `HOLD_MS` of it are there, or have passed; nothing later is.
 */

const HOLD_MS = 60;
const REPORT_MS = 20;

class Playback extends AudioWorkletProcessor {
  /** @param {{processorOptions: {rateHz: number}}} options `rateHz` of the PCM that comes */
  constructor({ processorOptions: { rateHz } }) {
    super();
    this.rateHz = rateHz;
    this.step = rateHz / sampleRate;
    /** @type {{item: string, samples: Int16Array}[]} */
    this.queue = [];
    this.offset = 0;
    /** @type {Map<string, number>} samples played, by item */
    this.played = new Map();
    /** @type {Set<string>} items of which no more will come */
    this.ended = new Set();
    /** @type {string | null} the item that is heard, or was last */
    this.item = null;
    this.heldFrames = 0;
    this.isHolding = true;
    this.isDry = true;
    this.isResting = true;
    this.peak = 0;
    /** What was played since the last report. @type {Float32Array[]} */
    this.reported = [];
    this.port.onmessage = ({ data }) => this.receive(data);
  }

  /** @param {any} message */
  receive(message) {
    if (message.samples) this.queue.push(message);
    else if (message.end) this.ended.add(message.end);
    else if (message.cut !== undefined) this.cut(message.cut);
  }

  /** @param {number} id of the wish, given back with what was played and what was left */
  cut(id) {
    /** @type {Map<string, number>} */
    const left = new Map();
    if (this.item && !this.isResting) left.set(this.item, 0);
    this.queue.forEach(({ item, samples }, index) => {
      left.set(item, (left.get(item) ?? 0) + samples.length - (index ? 0 : this.offset));
    });
    const items = [...left].map(([item, samples]) => ({
      item,
      playedMs: this.toMs(this.played.get(item) ?? 0),
      leftMs: this.toMs(samples),
    }));
    this.queue = [];
    this.offset = 0;
    this.rest();
    this.port.postMessage({ cut: id, at: Date.now(), items });
  }

  /** An answer is over: the next one is held back again. */
  rest() {
    this.isDry = true;
    this.isResting = true;
    this.isHolding = true;
    this.heldFrames = 0;
    this.port.postMessage({ quiet: this.item, playedMs: this.playedMs(), at: Date.now() });
  }

  /** @param {number} samples */
  toMs(samples) {
    return (samples / this.rateHz) * 1000;
  }

  playedMs() {
    return this.item ? this.toMs(this.played.get(this.item) ?? 0) : 0;
  }

  /** Whether the start of an answer still waits; `frames` have passed. */
  holds(/** @type {number} */ frames) {
    if (!this.isHolding || !this.queue.length) return !this.queue.length;
    this.heldFrames += frames;
    const queued = this.queue.reduce((sum, { samples }) => sum + samples.length, 0);
    const isEnough = this.toMs(queued) >= HOLD_MS || (this.heldFrames / sampleRate) * 1000 >= HOLD_MS;
    this.isHolding = !isEnough && !this.ended.has(this.queue[0].item);
    return this.isHolding;
  }

  /** The next sample of the queue, or null where it has run dry. */
  next() {
    const head = this.queue[0];
    if (!head) return null;
    if (head.item !== this.item || this.isDry) this.start(head.item);
    const sample = head.samples[Math.floor(this.offset)] / 0x8000;
    this.offset += this.step;
    this.played.set(head.item, (this.played.get(head.item) ?? 0) + this.step);
    if (this.offset >= head.samples.length) {
      this.offset -= head.samples.length;
      this.queue.shift();
    }
    return sample;
  }

  start(/** @type {string} */ item) {
    const isNew = !this.played.has(item);
    this.item = item;
    this.isDry = false;
    this.isResting = false;
    if (isNew) this.port.postMessage({ began: item, at: Date.now() });
  }

  dry() {
    if (this.isResting) return;
    if (this.item && this.ended.has(this.item)) {
      this.rest();
      return;
    }
    if (this.isDry) return;
    this.isDry = true;
    this.port.postMessage({ underrun: this.item, playedMs: this.playedMs(), at: Date.now() });
  }

  /** @param {Float32Array[][]} _inputs @param {Float32Array[][]} outputs */
  process(_inputs, [output]) {
    const out = output[0];
    if (this.holds(out.length)) {
      this.dry();
      return true;
    }
    for (let index = 0; index < out.length; index++) {
      const sample = this.next();
      if (sample === null) {
        this.dry();
        break;
      }
      out[index] = sample;
      this.peak = Math.max(this.peak, Math.abs(sample));
    }
    this.report(out);
    return true;
  }

  /** @param {Float32Array} out */
  report(out) {
    this.reported.push(out.slice());
    const frames = this.reported.length * out.length;
    if ((frames / sampleRate) * 1000 < REPORT_MS) return;
    const pcm = this.pcmOf(frames);
    this.port.postMessage({ playing: this.item, playedMs: this.playedMs(), peak: this.peak, pcm }, [pcm.buffer]);
    this.reported = [];
    this.peak = 0;
  }

  /** What is reported, at the rate of the wire. @param {number} frames */
  pcmOf(frames) {
    const pcm = new Int16Array(Math.round(frames * this.step));
    const block = this.reported[0].length;
    for (let index = 0; index < pcm.length; index++) {
      const at = Math.min(frames - 1, Math.floor(index / this.step));
      pcm[index] = Math.round(this.reported[Math.floor(at / block)][at % block] * 0x8000);
    }
    return pcm;
  }
}

registerProcessor("playback", Playback);
