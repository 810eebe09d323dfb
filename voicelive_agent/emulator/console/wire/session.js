/**
 * Session of a call as the page sees it: the protocol's events in, what is said and shown out.
 *
 * It does no I/O: what must be done (play, cut, send, hang up) is returned as effects, so that a
 * recorded session can be replayed through it. Times are ms of one clock, which the caller has.
 */

import { lengthMs } from "../audio/formats.js";
import { receiveCall } from "./calls.js";

/** Milliseconds by which page and service may differ in what was played. */
export const TOLERANCE_MS = 100;

/** Code of a turn in which nothing was said. */
const NO_INPUT = "no_input";
const TRANSCRIPTION = "conversation.item.input_audio_transcription.";

export class Session {
	constructor() {
		this.id = "";
		this.conversationId = "";
		/** @type {any} the session's settings, as the service has them */
		this.settings = {};
		this.isReady = false;
		/** @type {Entry[]} */
		this.entries = [];
		/** @type {string | null} the response that is being made */
		this.active = null;
		/** @type {string | null} the item that is being played */
		this.playing = null;
		/** @type {Set<string>} responses that are played no more */
		this.silenced = new Set();
		/** @type {Map<string, Record<string, number>>} the page's own marks, by response */
		this.marks = new Map();
		this.isUserSpeaking = false;
		/** @type {{atMs: number, what: "transcript" | "agent" | "voice"} | null} */
		this.waiting = null;
		this.lateDeltas = 0;
		this.turns = 0;
		this.endReason = "";
		this.keys = 0;
		/** @type {{code: string, message: string} | null} why there was no answer to what was asked last */
		this.failure = null;
		/** @type {any[]} events that ask for the last answer once more; a greeting at first */
		this.asking = [{ type: "response.create" }];
		/** Whether the model has a result that it has not spoken about. */
		this.owesAnswer = false;
	}

	/** @param {any} event of the service @param {number} atMs @returns {Effect[]} */
	receive(event, atMs) {
		const effects = HANDLERS[event.type]?.(this, event, atMs) || [];
		return [...effects, ...receiveCall(this, event)];
	}

	/** @param {string} item */
	agentEntry(item) {
		const entry = this.find(item);
		return entry?.kind === "agent" ? entry : null;
	}

	/** @param {string} key */
	find(key) {
		for (let at = this.entries.length - 1; at >= 0; at--) {
			if (this.entries[at].key === key) return this.entries[at];
		}
		return null;
	}

	/** @param {string} item @returns {YouEntry} */
	youEntry(item) {
		const there = this.find(item);
		if (there?.kind === "you") return there;
		/** @type {YouEntry} */
		const entry = {
			kind: "you", key: item, text: "", isPartial: true, isTyped: false, bargedIn: false, problem: "", response: "",
		};
		this.entries.push(entry);
		return entry;
	}

	/** @param {NoteEntry["level"]} level @param {string} text @param {string} [code] */
	note(level, text, code = "") {
		this.entries.push({ kind: "note", key: `note-${++this.keys}`, level, text, code });
	}

	/** Whether a response is being made, or heard. */
	get isAnswering() {
		return this.active !== null || this.playing !== null;
	}

	/** Whether the service cuts the text of its answer itself when the person interrupts. */
	get truncatesItself() {
		return this.settings.turn_detection?.auto_truncate === true;
	}

	/** Stop what is made and what is heard: no delta of it is played any more. @returns {Effect[]} */
	silence(/** @type {string} */ why) {
		const playing = this.playing ? this.agentEntry(this.playing) : null;
		if (!this.isAnswering) return [];
		if (this.active) this.silenced.add(this.active);
		if (playing) {
			this.silenced.add(playing.response);
			playing.isCutting = true;
		}
		return [{ do: "cut", why }];
	}

	/**
	 * What the loudspeaker had played when it was cut. Page and service agree on it afterwards.
	 * @param {Cut[]} cuts @param {string} why @returns {Effect[]}
	 */
	wasCut(cuts, why) {
		/** @type {Effect[]} */
		const effects = [];
		if (why !== "barge-in" && this.active) {
			effects.push({ do: "send", event: { type: "response.cancel", response_id: this.active } });
		}
		for (const { item, playedMs } of cuts) {
			const entry = this.agentEntry(item);
			if (!entry) continue;
			entry.isCutting = false;
			entry.playedMs = playedMs;
			entry.cutMs = Math.floor(playedMs);
			if (why !== "barge-in" || !this.truncatesItself) effects.push(...this.tell(entry));
			else effects.push(...this.settle(entry));
		}
		for (const entry of this.entries) if (entry.kind === "agent") entry.isCutting = false;
		this.playing = null;
		return effects;
	}

	/** @param {AgentEntry} entry @returns {Effect[]} */
	tell(entry) {
		entry.isTold = true;
		const audio_end_ms = Math.floor(Math.min(entry.playedMs, entry.audioMs));
		const event = { type: "conversation.item.truncate", item_id: entry.key, content_index: 0, audio_end_ms };
		return [{ do: "send", event }];
	}

	/** Correct the service where it takes another part to be heard. @param {AgentEntry} entry @returns {Effect[]} */
	settle(entry) {
		if (entry.isTold || entry.isCutting || entry.serverMs === null) return [];
		if (Math.abs(entry.playedMs - entry.serverMs) <= TOLERANCE_MS) return [];
		return this.tell(entry);
	}

	/** The loudspeaker began an item. @param {string} item @param {number} atMs */
	began(item, atMs) {
		const entry = this.agentEntry(item);
		if (!entry) return;
		this.playing = item;
		this.waiting = null;
		this.mark(entry.response, "playing", atMs);
	}

	/** @param {string} item @param {number} playedMs */
	played(item, playedMs) {
		const entry = this.agentEntry(item);
		if (entry && entry.cutMs === null) entry.playedMs = playedMs;
	}

	/** The loudspeaker played an item to its end. @param {string} item @param {number} atMs @returns {Effect[]} */
	finished(item, atMs) {
		const entry = this.agentEntry(item);
		if (entry) this.mark(entry.response, "silent", atMs);
		// Heard whole, when each word of it was said is of no use any more. One that is cut ends too, before that is told.
		if (entry?.isDone && entry.playedMs > entry.audioMs - 1) Object.assign(entry, { words: [], visemes: [] });
		if (this.playing === item) this.playing = null;
		return this.endReason && !this.active ? [{ do: "hangUp", why: this.endReason }] : [];
	}

	/** @param {string} response @param {string} name @param {number} atMs */
	mark(response, name, atMs) {
		const marks = this.marks.get(response) ?? {};
		marks[name] ??= atMs;
		this.marks.set(response, marks);
	}

	/** The person typed; the event is sent by whoever calls this. @param {string} text */
	typed(text) {
		const key = `typed-${++this.keys}`;
		this.retire();
		const entry = this.youEntry(key);
		Object.assign(entry, { text, isPartial: false, isTyped: true });
		this.turns += 1;
		this.asking = askFor(text);
		const [item, create] = this.asking;
		return [item, { ...create, ...(this.active && { response: { cancel_previous: true } }) }];
	}

	/** A button was clicked: the event to send, or null where it is dead. @param {CardEntry} entry @param {number} index */
	click(entry, index) {
		const button = entry.card.buttons?.[index];
		if (entry.isOld || entry.chosen >= 0 || !button) return null;
		entry.chosen = index;
		this.retire();
		const event = { type: "response.create", response: { invoke_input: button.action ?? {} } };
		this.asking = [event];
		return event;
	}

	/** Buttons that were there before something was said or clicked work no more. */
	retire() {
		for (const entry of this.entries) if (entry.kind === "card") entry.isOld = true;
	}
}

/** @param {string} text of the person */
function askFor(text) {
	return [
		{ type: "conversation.item.create", item: { type: "message", role: "user", content: [{ type: "input_text", text }] } },
		{ type: "response.create" },
	];
}

/** @param {Session} session @returns {AgentEntry} */
function openAgentEntry(session, event) {
	const there = session.agentEntry(event.item_id);
	if (there) return there;
	/** @type {AgentEntry} */
	const entry = {
		kind: "agent", key: event.item_id, response: event.response_id, text: "", isDone: false,
		isGreeting: !session.entries.some(({ kind }) => kind === "you" || kind === "agent"),
		words: [], visemes: [], audioMs: 0, playedMs: 0, cutMs: null, serverMs: null, isCutting: false,
		isTold: false, status: "in_progress",
	};
	session.entries.push(entry);
	return entry;
}

/** @param {Session} session */
function addText(session, event) {
	openAgentEntry(session, event).text += event.delta;
}

/** @param {Session} session */
function show(session, delta) {
	if (delta?.type === "agent.error") {
		const { code = "", message = "The agent failed." } = delta.error ?? delta;
		session.note("error", String(message), String(code));
	} else if (delta?.type === "agent.end_call") {
		session.endReason = String(delta.reason || "the agent ended the call");
	} else {
		session.entries.push({ kind: "card", key: `card-${++session.keys}`, card: delta, chosen: -1, isOld: false });
	}
}

/** @param {any} delta some agents send the whole line */
function readDelta(delta) {
	if (typeof delta !== "string") return delta;
	try {
		return JSON.parse(delta.replace(/^data:\s*/, ""));
	} catch {
		return { type: "text", text: delta };
	}
}

/** @type {Record<string, (session: Session, event: any, atMs: number) => Effect[] | void>} */
const HANDLERS = {
	"session.created"(session, event) {
		session.id = event.session.id ?? "";
		session.settings = event.session;
		session.isReady = false;
		return [{ do: "configure" }];
	},

	"session.updated"(session, event) {
		session.settings = event.session;
		session.conversationId = event.session.agent?.thread_id ?? session.conversationId;
		if (session.isReady) return [];
		session.isReady = true;
		return [{ do: "ready" }];
	},

	"input_audio_buffer.speech_started"(session, event) {
		session.isUserSpeaking = true;
		session.waiting = null;
		const interrupts = session.isAnswering && session.settings.turn_detection?.interrupt_response !== false;
		session.youEntry(event.item_id).bargedIn = interrupts;
		return interrupts ? session.silence("barge-in") : [];
	},

	"input_audio_buffer.speech_stopped"(session, _event, atMs) {
		session.isUserSpeaking = false;
		session.waiting = { atMs, what: "transcript" };
	},

	"input_audio_buffer.committed"(session, event, atMs) {
		session.isUserSpeaking = false;
		session.youEntry(event.item_id);
		session.retire();
		session.turns += 1;
		session.waiting = { atMs, what: "transcript" };
	},

	[`${TRANSCRIPTION}delta`](session, event) {
		session.youEntry(event.item_id).text += event.delta;
	},

	[`${TRANSCRIPTION}completed`](session, event, atMs) {
		const entry = session.youEntry(event.item_id);
		entry.text = event.transcript.trim();
		entry.isPartial = false;
		if (entry.text) session.asking = askFor(entry.text);
		else entry.problem = "nothing was understood";
		if (session.waiting?.what === "transcript") session.waiting = entry.text ? { atMs, what: "agent" } : null;
	},

	[`${TRANSCRIPTION}failed`](session, event) {
		const entry = session.youEntry(event.item_id);
		entry.isPartial = false;
		entry.problem = event.error?.message ?? "the recogniser failed";
		session.waiting = null;
	},

	"response.created"(session, event, atMs) {
		session.active = event.response.id;
		session.failure = null;
		session.mark(event.response.id, "created", atMs);
		session.waiting = { atMs, what: "agent" };
		const asked = session.entries.findLast(({ kind }) => kind === "you");
		if (asked?.kind === "you" && !asked.response) asked.response = event.response.id;
	},

	"response.audio_transcript.delta"(session, event, atMs) {
		addText(session, event);
		if (session.waiting?.what === "agent") session.waiting = { atMs, what: "voice" };
	},

	"response.text.delta": addText,

	"response.audio_transcript.done"(session, event) {
		openAgentEntry(session, event).text = event.transcript;
	},

	"response.text.done"(session, event) {
		openAgentEntry(session, event).text = event.text;
		session.waiting = null;
	},

	"response.audio.delta"(session, event, atMs) {
		if (session.silenced.has(event.response_id)) {
			session.lateDeltas += 1;
			return [];
		}
		const entry = openAgentEntry(session, event);
		entry.audioMs += lengthMs(event.delta, session.settings.output_audio_format);
		session.mark(event.response_id, "received", atMs);
		// It counts as heard from now on, since it is in the loudspeaker's queue.
		session.playing ??= event.item_id;
		return [{ do: "play", item: event.item_id, audio: event.delta }];
	},

	"response.audio.done"(session, event) {
		return session.silenced.has(event.response_id) ? [] : [{ do: "end", item: event.item_id }];
	},

	"response.audio_timestamp.delta"(session, event) {
		const { audio_offset_ms: startMs, audio_duration_ms: lasts, text } = event;
		openAgentEntry(session, event).words.push({ text, startMs, endMs: startMs + lasts });
	},

	"response.animation_viseme.delta"(session, event) {
		openAgentEntry(session, event).visemes.push({ id: event.viseme_id, atMs: event.audio_offset_ms });
	},

	"response.output_item.done"(session, event) {
		const { item } = event;
		const entry = session.agentEntry(item.id);
		if (entry) {
			entry.isDone = true;
			entry.status = item.status;
		}
	},

	"response.invocation.delta"(session, event) {
		show(session, readDelta(event.delta));
	},

	"response.done"(session, event, atMs) {
		const { id, status, status_details: details } = event.response;
		if (session.active === id) session.active = null;
		session.waiting = session.waiting?.what === "transcript" ? session.waiting : null;
		session.mark(id, "done", atMs);
		if (status === "failed") {
			const { code = "", message = "The answer failed." } = details?.error ?? {};
			if (!endsWithError(session)) session.note(code === NO_INPUT ? "info" : "error", message, code);
			// Whoever said nothing has no agent that failed.
			if (code !== NO_INPUT) session.failure = { code, message };
		}
		return session.endReason && !session.playing ? [{ do: "hangUp", why: session.endReason }] : [];
	},

	"conversation.item.truncated"(session, event) {
		const entry = session.agentEntry(event.item_id);
		if (!entry || entry.serverMs !== null) return [];
		entry.serverMs = event.audio_end_ms;
		return session.settle(entry);
	},

	error(session, event) {
		const { code = "", message = "", type = "" } = event.error ?? {};
		// A cancel that meets the end of its response on the way has nothing left to do; an empty turn is told at its end.
		if (code === "response_cancel_not_active" || code === NO_INPUT) return;
		session.note("error", message, code || type);
	},

	warning(session, event) {
		session.note("warning", event.warning?.message ?? "", event.warning?.code ?? "");
	},
};

/** @param {Session} session */
function endsWithError(session) {
	const last = session.entries.at(-1);
	return last?.kind === "note" && last.level === "error";
}
