/** Updates of a session: what was asked, what the service made of it, field by field. */

export class Updates {
	constructor() {
		/** @type {Map<string, Status>} by the name of a session's field */
		this.status = new Map();
		/** @type {Update[]} those that are not answered, oldest first */
		this.waiting = [];
		this.count = 0;
	}

	/** Nobody answers what was asked of a session that is gone. */
	begin() {
		this.waiting = [];
	}

	/** The event that asks for it. @param {Record<string, any>} session @param {boolean} isTold whether a person waits for it */
	ask(session, isTold = true) {
		const id = `settings-${++this.count}`;
		this.waiting.push({ id, session });
		if (isTold) for (const name of Object.keys(session)) this.status.set(name, { outcome: "asked", message: "", path: `session.${name}` });
		return { type: "session.update", event_id: id, session };
	}

	/** It stands, but for the next call. @param {string} name */
	keep(name) {
		this.status.set(name, { outcome: "kept", message: "", path: `session.${name}` });
	}

	/** It was not asked, since it can't be right. @param {string} name @param {string} path @param {string} message */
	refuse(name, path, message) {
		this.status.set(name, { outcome: "refused", message, path });
	}

	/**
	 * What an event of the service says of an update; each is answered once, in order.
	 * @param {any} event @returns {{update: Update, refused: string | null} | null} `refused` is the field's name
	 */
	receive(event) {
		if (event.type === "session.updated") return this.applied();
		if (event.type === "warning") this.warn(event.warning ?? {});
		if (event.type !== "error") return null;
		const at = this.waiting.findIndex(({ id }) => id === event.error?.event_id);
		if (at < 0) return null;
		const [update] = this.waiting.splice(at, 1);
		const { param = "", message = "" } = event.error;
		const refused = rootOf(param ?? "");
		for (const name of Object.keys(update.session)) if (this.status.get(name)?.outcome === "asked") this.status.delete(name);
		if (refused) this.refuse(refused, param, message);
		return { update, refused };
	}

	applied() {
		const update = this.waiting.shift();
		if (!update) return null;
		for (const name of Object.keys(update.session)) {
			if (this.status.get(name)?.outcome === "asked") this.status.set(name, { outcome: "applied", message: "", path: `session.${name}` });
		}
		return { update, refused: null };
	}

	/** @param {{param?: string, message?: string}} warning */
	warn({ param, message = "" }) {
		const name = rootOf(param ?? "");
		if (name) this.status.set(name, { outcome: "warned", message, path: param ?? "" });
	}
}

/** `voice` of `session.voice.name`. @param {string} param */
function rootOf(param) {
	return /^session\.([^.[]+)/.exec(param)?.[1] ?? "";
}
