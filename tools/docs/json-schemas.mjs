/** The JSON Schemas for readers outside: those that run, with ids and docstrings. */

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/**
 * @param definition of the event
 * @param shapes     as `readDeclarations` gives them
 * @returns the schema of the event's `data`; its `$id` is the envelope's `dataschema`
 */
export function dataSchema(definition, shapes) {
  const { $defs, ...root } = definition.schema;
  return {
    $schema: DIALECT,
    $id: definition.dataschema,
    title: definition.payload.name,
    ...documented(root, shapes.get(definition.payload.name)),
    ...($defs && {
      $defs: Object.fromEntries(
        Object.entries($defs).map(([name, schema]) => [name, documented(schema, shapes.get(name))]),
      ),
    }),
  };
}

/** The schema of what stands around `data`, from the interface that the code is typed with. */
export function envelopeSchema(shapes) {
  const { doc, fields } = shapes.get('EventEnvelope');
  const properties = [...fields].map(([name, { doc: description, type }]) => [
    name,
    { ...schemaOfAttribute(name, type), ...(description && { description }) },
  ]);
  return {
    $schema: DIALECT,
    $id: 'urn:tickwire:envelope:1',
    title: 'EventEnvelope',
    description: doc,
    type: 'object',
    properties: Object.fromEntries(properties),
    required: [...fields].filter(([, { isOptional }]) => !isOptional).map(([name]) => name),
  };
}

function documented(schema, shape) {
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const description = shape?.fields.get(name)?.doc;
    return [name, description ? { ...property, description } : property];
  });
  return {
    ...(shape?.doc && { description: shape.doc }),
    type: schema.type,
    ...schema,
    properties: Object.fromEntries(properties),
  };
}

function schemaOfAttribute(name, type) {
  const literal = /^'(.*)'$/.exec(type);
  if (literal) return { const: literal[1] };
  if (name === 'data') return { type: 'object' };
  if (type !== 'string') throw new Error(`The envelope's ${name} is of a type that the schema does not know: ${type}`);
  if (name === 'time') return { type: 'string', format: 'date-time' };
  if (name === 'dataschema') return { type: 'string', format: 'uri' };
  return { type: 'string', minLength: 1 };
}
