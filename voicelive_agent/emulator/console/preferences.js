/** Preferences: what this browser keeps of the console, and the session that its calls ask for. */

const STORE = "voicelive-console";

/** The session of a call, before the user's own settings. */
export const SESSION = {
	modalities: ["text", "audio"],
	input_audio_format: "pcm16",
	input_audio_sampling_rate: 24000,
	output_audio_format: "pcm16",
	output_audio_timestamp_types: ["word"],
	animation: { outputs: ["viseme_id"] },
	turn_detection: { type: "server_vad", silence_duration_ms: 500, auto_truncate: true },
};

export const DEFAULTS = {
	agent: "",
	model: "",
	isGreeting: true,
	theme: "",
	deviceId: "",
	sinkId: "",
	volume: 1,
	processing: { echoCancellation: true, noiseSuppression: false, autoGainControl: false },
	/** @type {Record<string, any>} */
	session: {},
	/** What a function of that name always returns. @type {Record<string, string>} */
	answers: {},
};

export function load() {
	try {
		return { ...structuredClone(DEFAULTS), ...JSON.parse(localStorage.getItem(STORE) ?? "{}") };
	} catch {
		return structuredClone(DEFAULTS);
	}
}

/** @param {Preferences} preferences */
export function save(preferences) {
	localStorage.setItem(STORE, JSON.stringify(preferences));
}
