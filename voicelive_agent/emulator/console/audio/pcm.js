/** PCM16 as it stands on the wire: little-endian, in base64. */

export const RATE_HZ = 24000;

/** The loudest sample of some, from 0 to 1. @param {Int16Array} samples */
export function peakOf(samples) {
	let loudest = 0;
	for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
	return loudest / 0x8000;
}

/** @param {Int16Array} samples */
export function toBase64(samples) {
	const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
	let text = "";
	for (let at = 0; at < bytes.length; at += 0x2000) {
		text += String.fromCharCode(...bytes.subarray(at, at + 0x2000));
	}
	return btoa(text);
}

/** @param {string} text */
export function fromBase64(text) {
	const raw = atob(text);
	const bytes = new Uint8Array(raw.length);
	for (let at = 0; at < raw.length; at++) bytes[at] = raw.charCodeAt(at);
	return new Int16Array(bytes.buffer, 0, bytes.length >> 1);
}
