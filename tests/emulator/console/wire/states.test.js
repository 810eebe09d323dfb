import assert from "node:assert/strict";
import { test } from "node:test";
import { Session } from "../../../../voicelive_agent/emulator/console/wire/session.js";
import { describe } from "../../../../voicelive_agent/emulator/console/wire/states.js";

const call = (some = {}) => ({
	phase: "open", trouble: "", detail: "", retryInS: 0, isMuted: false, hasMicrophone: true, microphoneLost: false, talksWhileMuted: false,
	isPushToTalk: false, isHolding: false, endsInS: null, endReason: "", agentAway: "", ...some,
});
const session = (some = {}) => Object.assign(new Session(), some);
const TROUBLES = ["insecure", "denied", "no-device", "busy", "away", "key", "full", "no-agent", "refused"];

/** Each state of the console, once. */
const STATES = {
	...Object.fromEntries(TROUBLES.map((trouble) => [trouble, [call({ phase: "idle", trouble })]])),
	idle: [call({ phase: "idle" })],
	"agent-away": [call({ phase: "idle", agentAway: "nothing answers at 8088" })],
	asking: [call({ phase: "asking" })],
	connecting: [call({ phase: "connecting" })],
	reconnecting: [call({ phase: "reconnecting", retryInS: 2 })],
	ended: [call({ phase: "ended" })],
	"device-lost": [call({ microphoneLost: true })],
	"muted-talking": [call({ isMuted: true, talksWhileMuted: true })],
	hearing: [call(), session({ isUserSpeaking: true })],
	speaking: [call(), session({ playing: "item" })],
	thinking: [call(), session({ waiting: { atMs: 0, what: "agent" } })],
	"agent-failed": [call(), session({ failure: { code: "agent_error", message: "it answered 500" } })],
	ending: [call({ endsInS: 60 })],
	interrupted: [call(), session({ entries: [{ kind: "agent", cutMs: 100 }] })],
	muted: [call({ isMuted: true })],
	writing: [call({ hasMicrophone: false })],
	"push-to-talk": [call({ isPushToTalk: true })],
	listening: [call()],
};
const described = ([of, its = session()]) => describe(of, its, 1000);

test("every state has a label and a sentence of its own", () => {
	const states = Object.entries(STATES).map(([name, given]) => [name, described(given)]);
	for (const [name, state] of states) {
		assert.equal(state.name, name);
		assert.match(state.sentence, /[.!]$/, name);
	}
	assert.equal(new Set(states.map(([, { label }]) => label)).size, states.length);
	assert.equal(new Set(states.map(([, { sentence }]) => sentence)).size, states.length);
});

test("every trouble has a way out", () => {
	for (const [name, given] of Object.entries(STATES)) {
		const { tone, way } = described(given);
		if (tone === "bad") assert.notEqual(way, "", name);
	}
});

test("a thought says after five seconds since when, and for what it waits", () => {
	for (const [what, words] of [["transcript", "speech to text"], ["agent", "the agent"], ["voice", "the voice"]]) {
		const waiting = session({ waiting: { atMs: 0, what } });
		assert.doesNotMatch(describe(call(), waiting, 4000).label, /\d/);
		const slow = describe(call(), waiting, 7400);
		assert.equal(slow.label, "thinking for 7 s");
		assert.match(slow.sentence, new RegExp(`${words}.*7 s`));
	}
});

test("an agent that cannot be reached, and one that answers with an error, are two things", () => {
	const failed = (code) => describe(call(), session({ failure: { code, message: "so it is" } }), 0);
	assert.equal(failed("agent_unreachable").name, "agent-away");
	assert.equal(failed("agent_disconnected").name, "agent-away");
	assert.equal(failed("agent_contract_violation").name, "agent-failed");
	assert.deepEqual([failed("x").sentence, failed("x").way], ["So it is.", "ask"]);
});
