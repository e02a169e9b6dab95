const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
/** A member's value is kept up to this length, bytes: the longest valid one is 128 characters, all of them escaped. */
const MAX_VALUE_BYTES = 1_600;
const MAX_NAME_BYTES = 400;

/**
 * Finds members of a JSON object in its bytes without building anything: one pass, no recursion, bounded by the body's
 * length. Before a signature holds, this is all that is looked at, and it only picks candidate secrets; afterwards it
 * gives amounts as they were written, which a parsed number has lost.
 *
 * Only the object itself is searched, not what is nested in it. Of repeated names the last counts, as in `JSON.parse`.
 * In bytes that are no JSON object it finds what stands before the first fault.
 * @param names the members to look for
 * @returns the raw JSON text of each value found; values longer than 1600 bytes are left out
 */
export function scanFields(body: Buffer, names: ReadonlySet<string>): Map<string, string> {
  const found = new Map<string, string>();
  eachMember(body, (name, start, end) => {
    if (!names.has(name)) return;
    if (end - start <= MAX_VALUE_BYTES) found.set(name, body.toString('utf8', start, end));
    else found.delete(name);
  });
  return found;
}

/**
 * Cuts the list `name` of a JSON object into the bytes of its items, as they stand. Bounded and without recursion as
 * `scanFields`; of repeated names the last counts. What it finds in bytes that are not JSON means nothing.
 * @returns undefined where there is no such list
 */
export function scanItems(body: Buffer, name: string): Buffer[] | undefined {
  let items: Buffer[] | undefined;
  eachMember(body, (found, start, end) => {
    if (found === name) items = body[start] === OPEN_ARRAY ? itemsOf(body.subarray(start, end)) : undefined;
  });
  return items;
}

/** Walks over the members of the object as far as the bytes are one. @param visit gets where the value's text begins and ends */
function eachMember(body: Buffer, visit: (name: string, start: number, end: number) => void): void {
  const marked = BYTE_ORDER_MARK.every((byte, index) => body[index] === byte);
  let at = skipBlanks(body, marked ? BYTE_ORDER_MARK.length : 0);
  if (body[at] !== OPEN_OBJECT) return;
  do {
    at = skipBlanks(body, at + 1);
    if (body[at] !== QUOTE) return;
    const nameEnd = endOfString(body, at);
    const name = nameEnd - at <= MAX_NAME_BYTES ? textOf(body.toString('utf8', at, nameEnd)) : undefined;
    at = skipBlanks(body, nameEnd);
    if (body[at] !== COLON) return;
    at = skipBlanks(body, at + 1);
    const valueEnd = endOfValue(body, at);
    if (name !== undefined) visit(name, at, valueEnd);
    at = skipBlanks(body, valueEnd);
  } while (body[at] === COMMA);
}

/** @param list from its opening bracket to its closing one */
function itemsOf(list: Buffer): Buffer[] {
  const items: Buffer[] = [];
  let at = skipBlanks(list, 1);
  while (at < list.length && list[at] !== CLOSE_ARRAY) {
    const end = endOfItem(list, at);
    if (end === at) return items;
    items.push(list.subarray(at, end));
    at = skipBlanks(list, end);
    if (list[at] !== COMMA) return items;
    at = skipBlanks(list, at + 1);
  }
  return items;
}

/** As `endOfValue`; a bare word inside a list may end at the list's own bracket. */
function endOfItem(list: Buffer, start: number): number {
  const first = list[start];
  if (first === QUOTE || first === OPEN_OBJECT || first === OPEN_ARRAY) return endOfValue(list, start);
  let at = start;
  while (at < list.length && list[at] !== COMMA && list[at] !== CLOSE_ARRAY && !isBlank(list[at])) at += 1;
  return at;
}

/** Reads a JSON string. @returns its text; undefined where `raw` is absent or no JSON string */
export function textOf(raw: string | undefined): string | undefined {
  if (raw === undefined || raw.length < 2 || !raw.startsWith('"') || !raw.endsWith('"')) return undefined;
  if (!raw.includes('\\')) return raw.slice(1, -1);
  try {
    return JSON.parse(raw) as string;
  } catch {
    return undefined;
  }
}

function skipBlanks(body: Buffer, from: number): number {
  let at = from;
  while (isBlank(body[at])) at += 1;
  return at;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** @param start of the opening quote. @returns the position behind the closing one, or the body's end */
function endOfString(body: Buffer, start: number): number {
  for (let at = start + 1; at < body.length; at += 1) {
    if (body[at] === BACKSLASH) at += 1;
    else if (body[at] === QUOTE) return at + 1;
  }
  return body.length;
}

/** @returns the position behind the value that begins at `start` */
function endOfValue(body: Buffer, start: number): number {
  if (body[start] === QUOTE) return endOfString(body, start);
  let depth = 0;
  let at = start;
  while (at < body.length) {
    const byte = body[at];
    if (byte === QUOTE) {
      at = endOfString(body, at);
      continue;
    }
    if (depth === 0 && (byte === COMMA || byte === CLOSE_OBJECT || isBlank(byte))) return at;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth += 1;
    if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth -= 1;
    at += 1;
    if (depth === 0 && (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY)) return at;
  }
  return at;
}
