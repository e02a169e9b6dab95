/**
 * Control characters (C0, DEL, C1), line and paragraph separators, and what reorders or hides text in a terminal
 * (bidirectional marks, zero-width characters). Dead letters hold what strangers sent: shown raw, an escape sequence
 * in one could retitle the terminal, hide a line, or type for its reader.
 */
const UNPRINTABLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** One line, safe to show: what a terminal could act on is written out, `\u001b`. */
export function printableLine(text: string): string {
  return text.toWellFormed().replace(UNPRINTABLE, escaped);
}

/** As {@link printableLine}; line feeds and tabs stay. */
export function printableText(text: string): string {
  return text
    .toWellFormed()
    .replace(UNPRINTABLE, (found) => (found === '\n' || found === '\t' ? found : escaped(found)));
}

/** JSON on one line. The escapes are JSON's own, so a parser reads the same value. */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(UNPRINTABLE, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
