/** Events: how the page's objects tell one another what is new. */

export class Source extends EventTarget {
	changed() {
		this.dispatchEvent(new Event("change"));
	}
}

/** Take what is told by that name. @param {EventTarget} source @param {string} name @param {(told: any) => void} take */
export function on(source, name, take) {
	source.addEventListener(name, (/** @type {any} */ { detail }) => take(detail));
}

/** @param {EventTarget} source @param {string} name @param {unknown} [detail] */
export function tell(source, name, detail) {
	source.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
}
