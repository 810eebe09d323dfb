/** History of a conversation as the agent's engine sees it: what was delivered, and what of it was heard. */

/** @param {PastTurn} turn */
export function readReply({ reply, heard, heard_is_known: isKnown, cut = false, interrupted }) {
	if (heard === null || heard === undefined) {
		return { heard: reply, unheard: "", mark: cut ? "ended before its end" : interrupted ? "interrupted" : "" };
	}
	const isStart = reply.startsWith(heard);
	const unheard = isStart ? reply.slice(heard.length).trimStart() : "";
	return { heard: isStart ? heard : reply, unheard, mark: isKnown ? "heard until here" : "heard until about here (estimated)" };
}

/** How a turn ended, where that is worth a word. @param {PastTurn} turn */
export function endingOf({ status, reason, ending }) {
	const words = [status, reason ?? ending].filter((word) => word && word !== "completed");
	return [...new Set(words)].join(", ");
}

/** What the person did. @param {PastTurn} turn */
export function askedOf({ kind, text, action }) {
	if (text) return text;
	return action ? JSON.stringify(action) : `(${kind})`;
}
