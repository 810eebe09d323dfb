/** WAV of two voices: stereo PCM16, the person left, the agent right; its peaks, and a file of it. */

import { RATE_HZ } from "../audio/pcm.js";

const STEP_MS = 20;
const HEAD_BYTES = 44;

/**
 * The peaks of a WAV as it is read, at most one for each 20 ms and side.
 * @param {AsyncIterable<Uint8Array>} pieces @param {(side: "you" | "agent", atMs: number, peak: number) => void} put
 * @returns {Promise<number>} its length in ms
 */
export async function readPeaks(pieces, put) {
  let rest = new Uint8Array(0);
  let rateHz = 0;
  let frames = 0;
  for await (const piece of pieces) {
    rest = joined(rest, piece);
    if (!rateHz) {
      const head = readHead(rest);
      if (!head) continue;
      rateHz = head.rateHz;
      rest = rest.subarray(head.at);
    }
    const stepFrames = (rateHz * STEP_MS) / 1000;
    const steps = Math.floor(rest.length / 4 / stepFrames);
    frames += readSteps(rest, steps, stepFrames, frames / stepFrames, put);
    rest = rest.slice(steps * stepFrames * 4);
  }
  frames += Math.floor(rest.length / 4);
  return rateHz ? (frames / rateHz) * 1000 : 0;
}

/**
 * @param {Uint8Array} bytes @param {number} steps @param {number} stepFrames @param {number} before steps before these
 * @param {(side: "you" | "agent", atMs: number, peak: number) => void} put
 */
function readSteps(bytes, steps, stepFrames, before, put) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let step = 0; step < steps; step++) {
    const loudest = [0, 0];
    for (let at = step * stepFrames * 2; at < (step + 1) * stepFrames * 2; at++) {
      loudest[at & 1] = Math.max(loudest[at & 1], Math.abs(view.getInt16(at * 2, true)));
    }
    const atMs = (before + step) * STEP_MS;
    put("you", atMs, loudest[0] / 0x8000);
    put("agent", atMs, loudest[1] / 0x8000);
  }
  return steps * stepFrames;
}

/** Where the sound begins, once enough of the file is here. @param {Uint8Array} bytes */
function readHead(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (/** @type {number} */ at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  let rateHz = 0;
  for (let at = 12; at + 8 <= bytes.length; at += 8 + view.getUint32(at + 4, true)) {
    if (name(at) === "data") return { rateHz, at: at + 8 };
    if (name(at) === "fmt " && at + 16 <= bytes.length) rateHz = view.getUint32(at + 12, true);
  }
  return null;
}

/** @param {Uint8Array} one @param {Uint8Array} other */
function joined(one, other) {
  if (!one.length) return new Uint8Array(other);
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** A file of both sides, of the same length. @param {Int16Array} you @param {Int16Array} agent */
export function writeWav(you, agent) {
  const bytes = new ArrayBuffer(HEAD_BYTES + you.length * 4);
  const view = new DataView(bytes);
  const name = (/** @type {number} */ at, /** @type {string} */ text) => {
    for (let index = 0; index < 4; index++) view.setUint8(at + index, text.charCodeAt(index));
  };
  name(0, "RIFF");
  view.setUint32(4, bytes.byteLength - 8, true);
  name(8, "WAVE");
  name(12, "fmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 2, true);
  view.setUint32(24, RATE_HZ, true);
  view.setUint32(28, RATE_HZ * 4, true);
  view.setUint16(32, 4, true);
  view.setUint16(34, 16, true);
  name(36, "data");
  view.setUint32(40, you.length * 4, true);
  for (let at = 0; at < you.length; at++) {
    view.setInt16(HEAD_BYTES + at * 4, you[at], true);
    view.setInt16(HEAD_BYTES + at * 4 + 2, agent[at], true);
  }
  return bytes;
}
