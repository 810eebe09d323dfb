/** WAV of two voices as the emulator records them: stereo PCM16, the person left, the agent right. */

import { RATE_HZ } from "../audio/pcm.js";

const STEP_MS = 20;
const HEAD_BYTES = 44;
const RATE_AT = 24;

/**
 * The peaks of a WAV as it is read, at most one for each 20 ms and side; its length in ms.
 * @param {AsyncIterable<Uint8Array>} pieces @param {(side: Side, atMs: number, peak: number) => void} put
 */
export async function readPeaks(pieces, put) {
	let rest = new Uint8Array(0);
	let rateHz = 0;
	let steps = 0;
	for await (const piece of pieces) {
		rest = joined(rest, piece);
		if (!rateHz) {
			if (rest.length < HEAD_BYTES) continue;
			rateHz = new DataView(rest.buffer).getUint32(RATE_AT, true);
			rest = rest.slice(HEAD_BYTES);
		}
		const stepBytes = (rateHz / 1000) * STEP_MS * 4;
		let from = 0;
		for (; from + stepBytes <= rest.length; from += stepBytes) {
			const loudest = peaksOf(new DataView(rest.buffer, from, stepBytes));
			put("you", steps * STEP_MS, loudest[0] / 0x8000);
			put("agent", steps++ * STEP_MS, loudest[1] / 0x8000);
		}
		rest = rest.slice(from);
	}
	return rateHz ? steps * STEP_MS + (rest.length / 4 / rateHz) * 1000 : 0;
}

/** @param {DataView} view of samples of both sides in turn */
function peaksOf(view) {
	const loudest = [0, 0];
	for (let at = 0; at < view.byteLength / 2; at++) {
		loudest[at & 1] = Math.max(loudest[at & 1], Math.abs(view.getInt16(at * 2, true)));
	}
	return loudest;
}

/** @param {Uint8Array} one @param {Uint8Array} other */
function joined(one, other) {
	const both = new Uint8Array(one.length + other.length);
	both.set(one);
	both.set(other, one.length);
	return both;
}

/** A file of both sides, of the same length. @param {Int16Array} you @param {Int16Array} agent */
export function writeWav(you, agent) {
	const soundBytes = you.length * 4;
	const view = new DataView(new ArrayBuffer(HEAD_BYTES + soundBytes));
	// RIFF, WAVE, "fmt " of PCM with two channels of 16 bits, and "data".
	const head = [
		0x46464952, HEAD_BYTES - 8 + soundBytes, 0x45564157, 0x20746d66, 16, 0x20001, RATE_HZ, RATE_HZ * 4, 0x100004, 0x61746164, soundBytes,
	];
	for (const [index, word] of head.entries()) view.setUint32(index * 4, word, true);
	for (let at = 0; at < you.length; at++) {
		view.setInt16(HEAD_BYTES + at * 4, you[at], true);
		view.setInt16(HEAD_BYTES + at * 4 + 2, agent[at], true);
	}
	return view.buffer;
}
