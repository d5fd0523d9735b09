/** Control characters, which a terminal obeys, and those that reverse the direction of text; without tabs and line breaks. */
const UNPRINTABLE = /[^\P{Cc}\t\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * A text for a terminal: names of files and classes come from data of others, which could otherwise rewrite what is on the
 * screen. Characters that act instead of being seen become escapes of JSON, `\u001b`; tabs and line breaks stay.
 */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escaped);

/** As `printable`, for text that belongs in one line: line breaks are escaped too. */
export const printableLine = (text: string): string => printable(text).replace(/[\n\t]/g, escaped);

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
