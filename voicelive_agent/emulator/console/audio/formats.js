/** Audio formats of a session: what it sends and takes, to and from the page's PCM16 at 24 kHz. */

import { fromBase64, RATE_HZ, toBase64 } from "./pcm.js";

/** A-law of ITU-T G.711, without its inversion of even bits. @param {number} code */
function expandALaw(code) {
	const bits = code ^ 0x55;
	const exponent = (bits >> 4) & 7;
	const mantissa = ((bits & 15) << 4) + 8;
	const size = exponent ? (mantissa + 0x100) << (exponent - 1) : mantissa;
	return bits & 0x80 ? size : -size;
}

/** µ-law of ITU-T G.711. @param {number} code */
function expandMuLaw(code) {
	const bits = ~code & 0xff;
	const size = ((((bits & 15) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
	return bits & 0x80 ? -size : size;
}

/** For each format of 8 bits: its samples by code, and the codes in the order of their samples. */
const LAWS = Object.fromEntries(
	[["g711_alaw", expandALaw], ["g711_ulaw", expandMuLaw]].map(([name, expand]) => {
		const samples = Int16Array.from({ length: 256 }, (_, code) => /** @type {(code: number) => number} */ (expand)(code));
		const codes = Uint8Array.from({ length: 256 }, (_, code) => code).sort((one, other) => samples[one] - samples[other]);
		return [name, { samples, codes }];
	}),
);

/** Samples in a second of `pcm16_8000hz`, `g711_ulaw`, `pcm16`. @param {string} format */
function rateOf(format) {
	if (format in LAWS) return 8000;
	return Number(/_(\d+)hz$/.exec(format)?.[1] ?? RATE_HZ);
}

/** Milliseconds of sound in `text`, without decoding it. @param {string} text base64 @param {string} [format] */
export function lengthMs(text, format = "pcm16") {
	const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
	return bytesMs((text.length * 3) / 4 - padding, format);
}

/** Milliseconds of so many bytes of sound. @param {number} bytes @param {string} [format] */
export function bytesMs(bytes, format = "pcm16") {
	return (bytes / (format in LAWS ? 1 : 2) / rateOf(format)) * 1000;
}

/** @param {string} text base64 @param {string} [format] of the session's output */
export function decode(text, format = "pcm16") {
	const law = LAWS[format];
	const samples = law ? Int16Array.from(atob(text), (letter) => law.samples[letter.charCodeAt(0)]) : fromBase64(text);
	return resample(samples, rateOf(format), RATE_HZ);
}

/** @param {Int16Array} samples @param {string} [format] of the session's input @param {number} [rateHz] @returns {string} base64 */
export function encode(samples, format = "pcm16", rateHz = RATE_HZ) {
	const law = LAWS[format];
	const resampled = resample(samples, RATE_HZ, law ? 8000 : rateHz);
	if (!law) return toBase64(resampled);
	return btoa(String.fromCharCode(...Array.from(resampled, (sample) => nearest(law, sample))));
}

/** The code whose sample is nearest. @param {{samples: Int16Array, codes: Uint8Array}} law @param {number} sample */
function nearest({ samples, codes }, sample) {
	let low = 0;
	let high = 255;
	while (high - low > 1) {
		const middle = (low + high) >> 1;
		if (samples[codes[middle]] <= sample) low = middle;
		else high = middle;
	}
	return sample - samples[codes[low]] < samples[codes[high]] - sample ? codes[low] : codes[high];
}

/** Linear; each sample of a lower rate is the mean of those that it stands for. @param {Int16Array} samples @param {number} from @param {number} to */
function resample(samples, from, to) {
	if (from === to) return samples;
	const step = from / to;
	const width = Math.max(1, step);
	return Int16Array.from({ length: Math.round(samples.length / step) }, (_, index) => mean(samples, index * step, width));
}

/** @param {Int16Array} samples @param {number} at @param {number} width */
function mean(samples, at, width) {
	let sum = 0;
	const count = Math.round(width);
	for (let offset = 0; offset < count; offset++) {
		const place = Math.min(samples.length - 1, at + offset);
		const before = Math.floor(place);
		const after = Math.min(samples.length - 1, before + 1);
		sum += samples[before] + (samples[after] - samples[before]) * (place - before);
	}
	return Math.round(sum / count);
}
