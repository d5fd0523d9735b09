// What a live figure is.

/** Fills an empty element and keeps it alive. An error is shown in its place. */
export type Mount = (stage: HTMLElement) => Promise<void>;
