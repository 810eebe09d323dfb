/** History of a conversation as the agent's engine sees it: what was delivered, and what of it was heard. */

/**
 * A turn that is stored, or one that an agent is given; `heard` is null where all of `reply` was.
 * @typedef {{sequence?: number, kind: string, text: string, action: any, reply: string, heard: string | null,
 *   heard_is_known: boolean, cut?: boolean, interrupted: boolean, status?: string, reason?: string, ending?: string, notes: Record<string, any>}} PastTurn
 * `mark` says where the person interrupted, if they did.
 * @typedef {{heard: string, unheard: string, mark: string}} Reply
 */

/** @param {PastTurn} turn @returns {Reply} */
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
