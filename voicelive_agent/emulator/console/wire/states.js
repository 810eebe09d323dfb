/** States of the console: what each is called, what it says, and the way out of it. */

const SLOW_MS = 5000;

/** Why there is no call, by what the browser or the service said: label, sentence, way. @type {Record<string, [string, string, string]>} */
const TROUBLES = {
	insecure: [
		"no microphone here",
		"Browsers give pages a microphone only over HTTPS, or at localhost and 127.0.0.1. Open this page by one of " +
			"those names (through an SSH tunnel, for example), or write instead.",
		"write",
	],
	denied: [
		"microphone blocked",
		"The browser does not let this page use the microphone. Allow it by the icon beside the address, then talk again; " +
			"or write instead.",
		"talk",
	],
	"no-device": ["no microphone", "No microphone was found. Connect one, then talk again; or write instead.", "talk"],
	busy: ["microphone in use", "Another program holds the microphone. Close it there, then talk again; or write instead.", "talk"],
	away: ["emulator away", "Nothing answers at this address: start the emulator again (make run), then retry.", "talk"],
	key: ["wrong key", "The emulator was started with --api-key, and has another key than the one given here.", "key"],
	full: ["all calls taken", "As many calls are open as the emulator holds (--max-sessions). Close one, then retry.", "talk"],
	"no-agent": ["no such agent", "The emulator knows no agent of this name. Choose another, or start it with --agent NAME=URL.", "talk"],
	refused: ["refused", "The emulator refused the call.", "talk"],
};

/** @param {Omit<Call, "state">} call @param {Session} session @param {number} nowMs @returns {State} */
export function describe(call, session, nowMs) {
	const trouble = TROUBLES[call.trouble];
	if (trouble && call.phase !== "open") {
		const [label, sentence, way] = trouble;
		return state(call.trouble, label, `${sentence} ${call.detail}`.trim(), way, "bad");
	}
	switch (call.phase) {
		case "idle":
			if (call.agentAway) return state("agent-away", "agent away", sentence(call.agentAway), "look", "bad");
			return state("idle", "ready", "Click Talk (T) and speak, or write below.", "talk");
		case "asking":
			return state("asking", "asking for the microphone", "Allow the microphone where the browser asks.", "", "busy");
		case "connecting":
			return state("connecting", "connecting", "Opening the call.", "hang-up", "busy");
		case "reconnecting":
			return state(
				"reconnecting", "reconnecting",
				`The connection is lost. ${call.detail} Next try in ${call.retryInS} s; the conversation goes on there.`.replace("  ", " "),
				"hang-up", "bad",
			);
		case "ended":
			return state("ended", "call ended", `${sentence(call.endReason || "You hung up.")} Talk again when you like.`, "talk");
		default:
			return describeOpen(call, session, nowMs);
	}
}

/** @param {Parameters<typeof describe>[0]} call @param {Session} session @param {number} nowMs */
function describeOpen(call, session, nowMs) {
	if (call.microphoneLost) {
		return state("device-lost", "microphone lost", "The microphone was unplugged. Choose another in Settings, or write.", "settings", "bad");
	}
	if (call.talksWhileMuted) {
		return state("muted-talking", "you are muted", "You are speaking, but muted: press M to be heard.", "mute", "bad");
	}
	if (session.isUserSpeaking || call.isHolding) {
		return state("hearing", "hearing you", "Go on; a pause ends your turn.", "", "you");
	}
	if (session.playing) {
		return state("speaking", "speaking", "Speak to interrupt, or press Esc.", "interrupt", "agent");
	}
	if (session.waiting) return describeWaiting(session.waiting, nowMs);
	if (session.failure) return describeFailure(session.failure);
	if (call.endsInS !== null && call.endsInS < 120) {
		return state("ending", "call ends soon", `The session's time is over in ${call.endsInS} s; talk again then.`, "hang-up", "bad");
	}
	if (lastWasCut(session)) return state("interrupted", "interrupted", "The agent was cut off. Go on speaking.", "", "you");
	if (call.isMuted) return state("muted", "muted", "Press M to be heard again.", "mute");
	if (!call.hasMicrophone) return state("writing", "writing", "No microphone in this call: write below.", "write");
	if (call.isPushToTalk) return state("push-to-talk", "hold to talk", "Hold Space, or the button, while you speak.", "");
	return state("listening", "listening", "Speak now.", "");
}

/** @param {{code: string, message: string}} failure */
function describeFailure({ code, message }) {
	const isAway = /_(unreachable|disconnected)$/.test(code);
	return state(isAway ? "agent-away" : "agent-failed", isAway ? "agent away" : "agent failed", sentence(message), "ask", "bad");
}

/** @param {NonNullable<Session["waiting"]>} waiting @param {number} nowMs */
function describeWaiting({ atMs, what }, nowMs) {
	const since = {
		transcript: "Waiting for what you said (speech to text)",
		agent: "Waiting for the agent's first words",
		voice: "Waiting for the voice",
	}[what];
	const s = Math.floor((nowMs - atMs) / 1000);
	const isSlow = nowMs - atMs > SLOW_MS;
	return state("thinking", isSlow ? `thinking for ${s} s` : "thinking", isSlow ? `${since}, for ${s} s now.` : `${since}.`, "interrupt", "busy");
}

/** @param {Session} session */
function lastWasCut(session) {
	const last = session.entries.findLast(({ kind }) => kind === "agent" || kind === "you");
	return last?.kind === "agent" && last.cutMs !== null;
}

/** The service's own words as a sentence. @param {string} text */
function sentence(text) {
	const told = text.slice(0, 1).toUpperCase() + text.slice(1);
	return /[.!?]$/.test(told) ? told : `${told}.`;
}

/**
 * @param {string} name @param {string} label @param {string} sentence @param {string} way
 * @param {State["tone"]} tone @returns {State}
 */
function state(name, label, sentence, way, tone = "calm") {
	return { name, label, sentence, way, tone };
}
