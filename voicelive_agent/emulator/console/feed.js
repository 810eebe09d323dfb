/** Feed: what the emulator tells as it happens, of itself or of one session, for as long as it is wanted. */

import { tell } from "./events.js";
import { ServiceError } from "./service.js";

const RETRY_S = [1, 2, 4, 8];
/** Refusals that asking again does not change. */
const FINAL = new Set([400, 403, 404]);

/** Tells each event as an Event of that name, with its data as `detail`. */
export class Feed extends EventTarget {
	/** @param {Service} service @param {string} path `/feed`, or that of a session */
	constructor(service, path = "/feed") {
		super();
		this.service = service;
		this.path = path;
		this.lastId = "";
		this.tries = 0;
		this.isRunning = false;
		this.abort = new AbortController();
	}

	/** Until `stop`, taken up again where it broke off. Started again, nothing changes. */
	async run() {
		if (this.isRunning) return;
		this.isRunning = true;
		while (!this.abort.signal.aborted) {
			try {
				await this.follow();
			} catch (error) {
				if (error instanceof ServiceError && FINAL.has(error.status)) break;
			}
			const waitS = RETRY_S[Math.min(this.tries++, RETRY_S.length - 1)];
			if (!this.abort.signal.aborted) await new Promise((resolve) => setTimeout(resolve, waitS * 1000));
		}
	}

	stop() {
		this.abort.abort();
	}

	/** Until the connection ends. An emulator that was started anew tells all that it has. */
	async follow() {
		for await (const { event, id, data } of this.service.events(this.path, this.abort.signal, this.lastId)) {
			this.tries = 0;
			this.lastId = id || this.lastId;
			tell(this, event, data);
		}
	}
}
