import assert from 'node:assert/strict';
import type { Shapes, TableShape } from './table-shape.js';
import { columnList, describeColumn } from './table-shape.js';

const SCALARS: Readonly<Record<string, string>> = {
  String: 'text',
  Int: 'integer',
  BigInt: 'bigint',
  Bytes: 'bytea',
  Json: 'jsonb',
  Boolean: 'boolean',
  Float: 'double precision',
};
const NATIVE: Readonly<Record<string, (argument: string) => string>> = {
  Timestamptz: (digits) => `timestamp(${digits}) with time zone`,
  Uuid: () => 'uuid',
  Decimal: (digits) => `numeric(${digits.replace(/\s/g, '')})`,
};

interface Field {
  name: string;
  type: string;
  attributes: string;
}

interface Model {
  name: string;
  table: string;
  fields: Field[];
  /** Lines that begin with `@@`. */
  blocks: string[];
}

/**
 * Reads the tables out of Prisma schema text: the part of the language that our schema uses (no enums, no implicit
 * many-to-many, no views). Prisma's own reader is not part of its public packages.
 *
 * @param schema all files, in any order
 * @throws AssertionError for a construct outside of that part, so that nothing is skipped silently
 */
export function readPrismaSchema(schema: string): Shapes {
  const models = [...schema.matchAll(/^model (\w+) \{\n(.*?)^\}/gms)].map((match) => readModel(match[1]!, match[2]!));
  assert(!/^(enum|view|type) /m.test(schema), 'enums, views and composite types are not read');
  const byName = new Map(models.map((model) => [model.name, model]));
  return Object.fromEntries(models.map((model) => [model.table, shapeOf(model, byName)]));
}

function readModel(name: string, body: string): Model {
  const lines = body
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('//'));
  const blocks = lines.filter((line) => line.startsWith('@@'));
  const fields = lines
    .filter((line) => !line.startsWith('@@'))
    .map((line) => {
      const parts = /^(\w+)\s+(\S+)\s*(.*)$/.exec(line);
      assert(parts, `not a field: ${line}`);
      return { name: parts[1]!, type: parts[2]!, attributes: parts[3]! };
    });
  const table = blocks.map((line) => /^@@map\("(\w+)"\)$/.exec(line)?.[1]).find((found) => found !== undefined);
  return { name, table: table ?? name, fields, blocks };
}

function shapeOf(model: Model, models: ReadonlyMap<string, Model>): TableShape {
  const shape: TableShape = { columns: {}, primaryKey: '', uniques: [], indexes: [], foreignKeys: [] };
  for (const field of model.fields) {
    const other = models.get(field.type.replace(/[?[\]]/g, ''));
    if (other !== undefined) {
      const relation = /@relation\(fields: \[([^\]]*)\], references: \[([^\]]*)\]/.exec(field.attributes);
      if (relation) {
        shape.foreignKeys.push(`${columnsOf(model, relation[1]!)} -> ${other.table} ${columnsOf(other, relation[2]!)}`);
      }
      continue;
    }
    const column = columnName(field);
    shape.columns[column] = describeColumn({
      type: sqlType(field),
      nullable: field.type.endsWith('?'),
      defaultValue: defaultOf(field),
    });
    if (/(^|\s)@id\b/.test(field.attributes)) shape.primaryKey = columnList([column]);
    if (/(^|\s)@unique\b/.test(field.attributes)) shape.uniques.push(columnList([column]));
  }
  for (const line of model.blocks) {
    const block = /^@@(id|unique|index|map)\((?:\[([^\]]*)\])?/.exec(line);
    assert(block, `not read: ${line}`);
    if (block[1] === 'map') continue;
    const columns = columnsOf(model, block[2]!);
    if (block[1] === 'id') shape.primaryKey = columns;
    else (block[1] === 'unique' ? shape.uniques : shape.indexes).push(columns);
  }
  for (const list of [shape.uniques, shape.indexes, shape.foreignKeys]) list.sort();
  return shape;
}

function sqlType(field: Field): string {
  const native = /@db\.(\w+)(?:\(([^)]*)\))?/.exec(field.attributes);
  const base = field.type.replace(/[?[\]]/g, '');
  const type = native ? NATIVE[native[1]!]?.(native[2] ?? '') : SCALARS[base];
  assert(type, `no SQL type known for ${field.name} ${field.type} ${field.attributes}`);
  return field.type.endsWith('[]') ? `${type}[]` : type;
}

function defaultOf(field: Field): string | undefined {
  const given = /@default\((\w+\(\)|\[\]|"(?:[^"\\]|\\.)*"|[^)]*)\)/.exec(field.attributes)?.[1];
  if (given === undefined) return undefined;
  if (given === '[]') return '{}';
  return given.startsWith('"') ? (JSON.parse(given) as string) : given;
}

function columnName(field: Field): string {
  return /@map\("(\w+)"\)/.exec(field.attributes)?.[1] ?? field.name;
}

function columnsOf(model: Model, list: string): string {
  return columnList(
    list.split(',').map((name) => {
      const field = model.fields.find((candidate) => candidate.name === name.trim());
      assert(field, `${model.name} has no field ${name}`);
      return columnName(field);
    }),
  );
}
