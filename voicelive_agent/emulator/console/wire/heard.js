/** Heard text: which part of an answer had been played at a given moment. */

/**
 * Where the words stand in the text; those that are spelled otherwise there are left out.
 * @param {string} text @param {Word[]} words
 * @returns {{from: number, to: number, startMs: number, endMs: number}[]}
 */
export function placeWords(text, words) {
	const placed = [];
	let after = 0;
	for (const { text: word, startMs, endMs } of words) {
		const from = word ? text.indexOf(word, after) : -1;
		// A word that stands far off is another one of that spelling.
		if (from < 0 || from > after + 80) continue;
		after = from + word.length;
		placed.push({ from, to: after, startMs, endMs });
	}
	return placed;
}

/**
 * The answer's text in three: what was played at `ms`, the word that was just then, the rest.
 * Without words it is parted in proportion to the sound.
 * @param {string} text @param {Word[]} words @param {number} ms @param {number} audioMs
 * @returns {[string, string, string]}
 */
export function splitAt(text, words, ms, audioMs) {
	const placed = placeWords(text, words);
	if (!placed.length) return splitInProportion(text, audioMs > 0 ? ms / audioMs : 0);
	const begun = placed.filter((word) => word.startMs < ms);
	const last = begun.at(-1);
	if (!last) return ["", "", text];
	if (ms >= audioMs && begun.length === placed.length) return [text, "", ""];
	const isNow = ms < last.endMs;
	if (isNow) return [text.slice(0, last.from), text.slice(last.from, last.to), text.slice(last.to)];
	return [text.slice(0, last.to), "", text.slice(last.to)];
}

/** @param {string} text @param {number} share of its sound @returns {[string, string, string]} */
function splitInProportion(text, share) {
	if (share <= 0) return ["", "", text];
	if (share >= 1) return [text, "", ""];
	const at = Math.floor(share * text.length);
	const from = text.lastIndexOf(" ", at) + 1;
	const to = text.indexOf(" ", from);
	return [text.slice(0, from), text.slice(from, to < 0 ? text.length : to), to < 0 ? "" : text.slice(to)];
}
