/** How an element of a PostgreSQL array is sent: in the type's own binary form, without length. */
interface ElementForm {
  /** Of the element's type, in `pg_type`. */
  oid: number;
  /** Bytes that `write` will take. */
  size(value: unknown): number;
  write(value: unknown, into: Buffer, at: number): void;
}

const MOST_CACHED_TEXTS = 1_000;
const NULL_LENGTH = -1;
/** Of the form that PostgreSQL reads `jsonb` in: JSON text behind this byte. */
const JSONB_VERSION = 1;

const FORMS: Readonly<Record<string, ElementForm>> = {
  text: {
    oid: 25,
    size: (value) => Buffer.byteLength(value as string, 'utf8'),
    write: (value, into, at) => void into.write(value as string, at, 'utf8'),
  },
  int: {
    oid: 23,
    size: () => 4,
    write: (value, into, at) => {
      // `writeInt32BE` takes what is no number for 0.
      if (!Number.isInteger(value)) throw new TypeError(`${String(value)} is not an integer`);
      into.writeInt32BE(value as number, at);
    },
  },
  bigint: {
    oid: 20,
    size: () => 8,
    write: (value, into, at) => void into.writeBigInt64BE(BigInt(value as number | string | bigint), at),
  },
  bytea: {
    oid: 17,
    size: (value) => (value as Uint8Array).byteLength,
    write: (value, into, at) => into.set(value as Uint8Array, at),
  },
  jsonb: {
    oid: 3802,
    size: (value) => 1 + Buffer.byteLength(value as string, 'utf8'),
    write: (value, into, at) => {
      into[at] = JSONB_VERSION;
      into.write(value as string, at + 1, 'utf8');
    },
  },
  uuid: {
    oid: 2950,
    size: () => 16,
    write: (value, into, at) => writeUuid(value as string, into, at),
  },
};

/** By the statement's text: how each of its parameters is sent, where it is an array that we know how to. */
const known = new Map<string, readonly (ElementForm | undefined)[]>();

/**
 * The values of a statement with those arrays in PostgreSQL's binary form that its text casts to `text[]`, `int[]`,
 * `bigint[]`, `uuid[]`, `bytea[]` (of bytes) or `jsonb[]` (of JSON texts). `pg` sends an array as one text, each element quoted and escaped, which the server has to read
 * again; a text that holds JSON costs most. Null elements stay null; everything else is left as it is.
 * @param text with its parameters cast where they stand: `unnest($1::text[])`; constant, because it is remembered
 * @throws TypeError, RangeError or SyntaxError for an element that is not of its type
 */
export function withBinaryArrays(text: string, values: readonly unknown[]): unknown[] {
  const forms = known.get(text) ?? remember(text);
  return values.map((value, index) => {
    const form = forms[index];
    return form !== undefined && Array.isArray(value) ? encode(value, form) : value;
  });
}

function remember(text: string): readonly (ElementForm | undefined)[] {
  const forms: (ElementForm | undefined)[] = [];
  for (const [, parameter, type] of text.matchAll(/\$(\d+)::(\w+)\[\]/g)) {
    forms[Number(parameter) - 1] = Object.hasOwn(FORMS, type!) ? FORMS[type!] : undefined;
  }
  if (known.size < MOST_CACHED_TEXTS) known.set(text, forms);
  return forms;
}

/** Dimensions, whether it holds nulls, element type; then for the one dimension its size and first index; then elements. */
function encode(elements: readonly unknown[], form: ElementForm): Buffer {
  const header = elements.length === 0 ? 12 : 20;
  const sizes = new Int32Array(elements.length);
  let bytes = header;
  let holdsNull = 0;
  for (let index = 0; index < elements.length; index++) {
    const element = elements[index];
    const isNull = element === null || element === undefined;
    if (isNull) holdsNull = 1;
    const size = isNull ? NULL_LENGTH : form.size(element);
    sizes[index] = size;
    bytes += 4 + Math.max(0, size);
  }
  const into = Buffer.allocUnsafe(bytes);
  into.writeInt32BE(elements.length === 0 ? 0 : 1, 0);
  into.writeInt32BE(holdsNull, 4);
  into.writeInt32BE(form.oid, 8);
  if (elements.length === 0) return into;
  into.writeInt32BE(elements.length, 12);
  into.writeInt32BE(1, 16);
  let at = header;
  for (let index = 0; index < elements.length; index++) {
    const size = sizes[index]!;
    into.writeInt32BE(size, at);
    at += 4;
    if (size === NULL_LENGTH) continue;
    form.write(elements[index], into, at);
    at += size;
  }
  return into;
}

function writeUuid(value: string, into: Buffer, at: number): void {
  const written = into.write(value.replaceAll('-', ''), at, 16, 'hex');
  if (written !== 16) throw new TypeError(`${value} is not a UUID`);
}
