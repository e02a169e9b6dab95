/**
 * Text columns hold no NUL, and `jsonb` holds neither that nor half of a surrogate pair. All three come from outside: from
 * agents' messages, senders' bodies and foreign records. What refused one of them would be refused again with each try, so
 * they become U+FFFD.
 */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed();
}

/**
 * The same for a JSON document that becomes `jsonb`.
 * @param json of `JSON.stringify`, which escapes exactly these of its own accord
 */
export function storableJson(json: string): string {
  return json.replace(/(?<=(?<!\\)(?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g, '\ufffd');
}
