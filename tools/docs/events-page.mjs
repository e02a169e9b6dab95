/** `docs/events.md`: every event for those who produce, consume or receive it. */
import { FieldTypes } from './field-types.mjs';
import { sampleEnvelope } from './sample-envelope.mjs';

const FIELD_COLUMNS = ['field', 'type', 'required', 'meaning'];

/**
 * @param contracts    the module of the contracts
 * @param declarations as `readDeclarations` gives them
 * @returns the page as Markdown
 */
export function renderEventsPage(contracts, { shapes, constants }) {
  const definitions = contracts.eventDefinitions();
  const retentionMs = new Map(contracts.allTopics().map((topic) => [topic.name, topic.retentionMs]));
  const formats = Object.entries(contracts).filter(([, value]) => value instanceof RegExp);
  const types = new FieldTypes(new Map(formats.map(([name, pattern]) => [pattern.source, name])), shapes);
  const events = definitions.map((definition) =>
    renderEvent(definition, { contracts, shapes, types, retentionMs: retentionMs.get(definition.topic) }),
  );
  return (
    [
      '# Events',
      '<!-- Generated from libs/contracts by `npm run docs`; edit the contract, not this page. -->',
      `What travels between the apps, and what tenants receive: one event per topic, in one envelope. Each event's schema is in
[schemas/](schemas/), named by its type. Amounts are decimal strings, times are ISO 8601 UTC with milliseconds. A new
optional field may appear at any time; any other change is a new type, \`<type>.v2\`, beside the old one. A record that
its consumer cannot read or handle is on \`<topic>.dead\`.`,
      renderOverview(definitions),
      renderEnvelope(shapes),
      ...events,
      renderFormats(formats, constants),
      renderShapes(types, shapes, explainedWithTheirEvent(definitions)),
    ].join('\n\n') + '\n'
  );
}

function renderOverview(definitions) {
  const rows = definitions.map(({ type, summary, keyedBy, producers, consumers }) => [
    `[\`${type}\`](#${anchor(type)})`,
    cell(summary),
    cell(keyedBy),
    producers.join(', '),
    consumers.join(', '),
  ]);
  return table(['event', 'what has happened', 'key', 'written by', 'read by'], rows);
}

function renderEnvelope(shapes) {
  const { doc, fields } = shapes.get('EventEnvelope');
  const rows = [...fields]
    .filter(([name]) => name !== 'data')
    .map(([name, { doc: text, type, isOptional }]) => [
      `\`${name}\``,
      attributeType(type),
      isOptional ? 'no' : 'yes',
      cell(text),
    ]);
  const columns = ['attribute', 'type', 'always there', 'meaning'];
  return `## The envelope\n\n${doc}\n\`data\` is the event's own part. Schema: [envelope.json](schemas/envelope.json).\n\n${table(columns, rows)}`;
}

function renderEvent(definition, { contracts, shapes, types, retentionMs }) {
  const { type, topic, summary, keyedBy, producers, consumers, dataschema, version, schema, payload } = definition;
  const shape = shapes.get(payload.name);
  if (!shape) throw new Error(`${payload.name}, the payload of ${type}, is not declared in the sources`);
  const sample = sampleEnvelope(contracts, definition);
  const facts = [
    ['topic', `\`${topic}\`, kept for ${duration(retentionMs)}`],
    ['key', cell(keyedBy)],
    ['written by', producers.join(', ')],
    ['read by', consumers.join(', ')],
    ['version', String(version)],
    ['dataschema', `[\`${dataschema}\`](schemas/${type}.json)`],
    ['envelope', attributesOf(sample)],
  ];
  const fields = tableOfSchema(schema, shape, types);
  const parts = Object.entries(schema.$defs ?? {}).map(([name, part]) => {
    const { doc } = shapes.get(name) ?? { doc: '' };
    return `#### ${name}\n\n${doc}\n\n${tableOfSchema(part, shapes.get(name), types)}`;
  });
  return [
    `## ${type}`,
    summary,
    moreThan(summary, withoutOwnName(shape.doc, type)),
    table(['', ''], facts),
    fields,
    ...parts,
    `\`\`\`json\n${JSON.stringify(sample, null, 2)}\n\`\`\``,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function tableOfSchema(schema, shape, types) {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const field = shape?.fields.get(name);
    return [
      `\`${name}\``,
      types.ofSchema(property, field?.type),
      required.has(name) ? 'yes' : 'no',
      cell(field?.doc ?? ''),
    ];
  });
  return table(FIELD_COLUMNS, rows);
}

function renderFormats(formats, constants) {
  const rows = formats.map(([name, pattern]) => [
    name,
    `\`${pattern.source.replaceAll('|', '\\|')}\``,
    cell(constants.get(name) ?? ''),
  ]);
  return `## Formats\n\n${table(['format', 'pattern', 'meaning'], rows)}`;
}

/** Interfaces inside payloads. A shape may mention others, which are then explained too. */
function renderShapes(types, shapes, explained) {
  const sections = [];
  // A Set that grows while it is walked is walked to its new end.
  for (const name of types.mentioned) {
    if (explained.has(name)) continue;
    const { doc, fields } = shapes.get(name);
    const rows = [...fields].map(([field, { doc: text, type, isOptional }]) => [
      `\`${field}\``,
      types.ofSource(type),
      isOptional ? 'no' : 'yes',
      cell(text),
    ]);
    sections.push(`### ${name}\n\n${doc ? `${doc}\n\n` : ''}${table(FIELD_COLUMNS, rows)}`);
  }
  return ['## Shapes', 'Objects inside the events above.', ...sections].join('\n\n');
}

/** Classes inside a payload have their table below the event's own. */
function explainedWithTheirEvent(definitions) {
  return new Set(definitions.flatMap(({ schema }) => Object.keys(schema.$defs ?? {})));
}

/** `type: text` at the start of a payload's docstring repeats the heading. */
function withoutOwnName(doc, type) {
  const text = doc.startsWith(`\`${type}\`: `) ? doc.slice(type.length + 4) : doc;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function moreThan(summary, doc) {
  return doc === summary ? '' : doc;
}

function attributesOf(sample) {
  const { tenantid, accountid, correlationid, causationid, source, subject } = sample;
  const optional = Object.entries({ tenantid, accountid, correlationid, causationid }).filter(
    ([, value]) => value !== undefined,
  );
  const extensions = optional.map(([name]) => `\`${name}\``).join(', ');
  return `\`source\` ${source}, \`subject\` such as ${subject}${extensions ? `; ${extensions}` : ''}`;
}

function attributeType(type) {
  return type.startsWith("'") ? `\`${type.slice(1, -1)}\`` : type;
}

function duration(ms) {
  const hours = ms / 3_600_000;
  return hours < 48 ? `${hours} h` : `${hours / 24} days`;
}

function anchor(type) {
  return type.replaceAll('.', '');
}

/** Text that stays inside its cell. */
function cell(text) {
  return text.replaceAll('|', '\\|');
}

function table(columns, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
