/** How the type of a field reads in the catalogue. */

/**
 * Names types for tables in Markdown.
 *
 * @param formats pattern source -> name of the format that the contracts export
 * @param shapes  as `readDeclarations` gives them
 */
export class FieldTypes {
  /** Shapes that a table linked to: the page has to explain them. In the order of their first mention. */
  mentioned = new Set();

  constructor(formats, shapes) {
    this.formats = formats;
    this.shapes = shapes;
  }

  /** @param schema of the property @param written the type in the source, for what the schema leaves open */
  ofSchema(schema, written) {
    if (schema.$ref) return this.#link(schema.$ref.replace('#/$defs/', ''));
    if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(' \\| ');
    if (schema.type === 'array' && Object.keys(schema.items ?? {}).length > 0)
      return `array of ${this.ofSchema(schema.items)}`;
    // The schema knows only that it is an object or a list; the interface in the source says more.
    if ((schema.type === 'array' || schema.type === 'object') && written) return this.ofSource(written);
    const format = this.formats.get(schema.pattern);
    if (format) return `string, [${format}](#formats)`;
    return [schema.type, bounds(schema)].filter(Boolean).join(', ');
  }

  /** @param written a type as TypeScript writes it */
  ofSource(written) {
    const list = /^(\w+)\[\]$/.exec(written);
    if (list) return `array of ${this.ofSource(list[1])}`;
    if (this.shapes.has(written)) return this.#link(written);
    if (/^'[^']*'( \| '[^']*')*$|^\| '/.test(written)) {
      return [...written.matchAll(/'([^']*)'/g)].map(([, value]) => `\`${value}\``).join(' \\| ');
    }
    for (const [name] of written.matchAll(/\w+/g)) if (this.shapes.has(name)) this.mentioned.add(name);
    if (written === 'unknown') return 'any JSON value';
    return /^\w+$/.test(written) ? written : `\`${written.replaceAll('|', '\\|')}\``;
  }

  #link(name) {
    this.mentioned.add(name);
    return `[${name}](#${name.toLowerCase()})`;
  }
}

function bounds({ minLength, maxLength, minimum, maximum, exclusiveMinimum, pattern }) {
  const parts = [];
  if (minLength !== undefined && minLength === maxLength) parts.push(`${minLength} characters`);
  else if (minLength !== undefined && maxLength !== undefined) parts.push(`${minLength}-${maxLength} characters`);
  else if (maxLength !== undefined) parts.push(`at most ${maxLength} characters`);
  if (minimum !== undefined) parts.push(`>= ${minimum}`);
  if (exclusiveMinimum !== undefined) parts.push(`> ${exclusiveMinimum}`);
  if (maximum !== undefined) parts.push(`<= ${maximum}`);
  if (pattern !== undefined) parts.push(`\`${pattern.replaceAll('|', '\\|')}\``);
  return parts.join(', ');
}
