/** Turns as a waterfall: from the end of speech to the loudspeaker, on one scale. */

/** Each stage ends at its mark; `page` marks are the page's own. */
export const STAGES = [
	{ stage: "end-of-turn", title: "end of turn", ends: "end_of_turn" },
	{ stage: "transcript", title: "transcript", ends: "transcript" },
	{ stage: "agent", title: "POST → first delta", ends: "first_delta" },
	{ stage: "voice", title: "first clause → audio", ends: "first_audio_byte" },
	{ stage: "page", title: "page", ends: "page_playing" },
	{ stage: "loudspeaker", title: "loudspeaker (estimated)", ends: "page_audible" },
];

/**
 * The page's marks of a response in ms since the session began.
 * @param {Record<string, number> | undefined} marks in ms of the epoch
 * @param {number} beganAt the session's start, in ms of the epoch
 * @param {number} outputLatencyMs
 * @returns {Record<string, number>}
 */
export function pageMarks(marks, beganAt, outputLatencyMs) {
	if (marks?.playing === undefined) return {};
	const playing = marks.playing - beganAt;
	return { page_playing: playing, page_audible: playing + outputLatencyMs };
}

/** @param {Turn} turn @param {Record<string, number>} page */
export function toRow(turn, page = {}) {
	const marks = { ...turn.marks_ms, ...page };
	const zero = marks.speech_end ?? marks.post ?? marks.end_of_turn ?? marks.first_delta ?? 0;
	/** @type {Segment[]} */
	const segments = [];
	let from = zero;
	for (const { stage, ends } of STAGES) {
		const to = marks[ends];
		// What went on beside another stage took no time of its own.
		if (to === null || to === undefined || to <= from) continue;
		segments.push({ stage, fromMs: from - zero, toMs: to - zero, isEstimated: ends === "page_audible" });
		from = to;
	}
	const isUnanswered = marks.post == null && marks.first_delta == null && turn.response_id === null;
	const heard = marks.page_audible ?? marks.first_audible_sample ?? marks.first_audio_byte ?? null;
	return {
		turn,
		label: turn.kind,
		zeroMs: zero,
		segments,
		totalMs: heard === null ? null : heard - zero,
		isCut: marks.barge_in != null,
		isUnanswered,
	};
}

/** The turn that goes on at a moment, or the last one before it. @param {TurnRow[]} rows @param {number | null} ms */
export function rowAt(rows, ms) {
	return ms === null ? null : (rows.findLast(({ zeroMs }) => zeroMs <= ms) ?? null);
}

/**
 * What is heard of a turn, in ms of the call it is of: what the person said comes before the end of it.
 * @param {TurnRow} row @param {{rows: TurnRow[], lanes: Lanes, offsetMs: number}} call @returns {Span}
 */
export function spanOf(row, { rows, lanes, offsetMs }) {
	const next = rows.find(({ turn }) => turn.number === row.turn.number + 1);
	const [zeroMs, nextMs] = [row.zeroMs + offsetMs, next ? next.zeroMs + offsetMs : lanes.endMs];
	const begins = (/** @type {TurnRow | undefined} */ of, /** @type {number} */ ms) =>
		lanes.speech.find(({ item }) => item === of?.turn.item_id)?.fromMs ?? ms;
	return { fromMs: begins(row, zeroMs) - 300, toMs: Math.max(zeroMs + 500, begins(next, nextMs)) };
}

/** The end of the scale that all rows share: a round number of ms. @param {TurnRow[]} rows */
export function scaleMs(rows) {
	const longest = Math.max(100, ...rows.map(({ segments }) => segments.at(-1)?.toMs ?? 0));
	const step = [100, 200, 250, 500, 1000, 2000, 2500, 5000, 10000].find((size) => longest / size <= 5) ?? 30000;
	return Math.ceil(longest / step) * step;
}

/**
 * Percentiles of voice to voice. Turns that were typed, clicked or interrupted are no measure.
 * @param {TurnRow[]} rows @returns {{p50: number | null, p95: number | null, count: number}}
 */
export function percentiles(rows) {
	const totals = rows
		.filter(({ turn, totalMs, isCut }) => turn.kind === "speech" && totalMs !== null && !isCut)
		.map(({ totalMs }) => /** @type {number} */ (totalMs))
		.sort((one, other) => one - other);
	const at = (/** @type {number} */ share) =>
		totals.length ? totals[Math.min(totals.length - 1, Math.ceil(share * totals.length) - 1)] : null;
	return { p50: at(0.5), p95: at(0.95), count: totals.length };
}
