import type pg from 'pg';
import type { Shapes, TableShape } from './table-shape.js';
import { columnList, describeColumn } from './table-shape.js';

/** Our own bookkeeping of migrations, as Prisma's: in no schema. */
const BOOKKEEPING = '_prisma_migrations';

const COLUMNS = `
SELECT c.relname AS "table", a.attname AS "column", format_type(a.atttypid, a.atttypmod) AS "type",
       NOT a.attnotnull AS "nullable", pg_get_expr(d.adbin, d.adrelid) AS "default"
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
 ORDER BY c.relname, a.attnum`;

const INDEXES = `
SELECT t.relname AS "table", i.relname AS "name", x.indisprimary AS "primary", x.indisunique AS "unique",
       x.indpred IS NOT NULL AS "partial",
       (SELECT json_agg(pg_get_indexdef(x.indexrelid, n, true) ORDER BY n) FROM generate_series(1, x.indnkeyatts) n) AS "columns"
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class t ON t.oid = x.indrelid
 WHERE t.relnamespace = 'public'::regnamespace`;

const FOREIGN_KEYS = `
SELECT t.relname AS "table", f.relname AS "other",
       (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k(num, n)
          JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num) AS "columns",
       (SELECT json_agg(a.attname ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY k(num, n)
          JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num) AS "references"
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.conrelid
  JOIN pg_class f ON f.oid = c.confrelid
 WHERE c.contype = 'f' AND t.relnamespace = 'public'::regnamespace`;

interface ColumnRow {
  table: string;
  column: string;
  type: string;
  nullable: boolean;
  default: string | null;
}
interface IndexRow {
  table: string;
  name: string;
  primary: boolean;
  unique: boolean;
  partial: boolean;
  columns: string[];
}
interface ForeignKeyRow {
  table: string;
  other: string;
  columns: string[];
  references: string[];
}

/**
 * Reads the tables of schema `public` out of the catalogue.
 *
 * @returns partial indexes apart, by name: the Prisma schema cannot express them
 */
export async function readDatabase(pool: pg.Pool): Promise<{ shapes: Shapes; partialIndexes: string[] }> {
  const shapes: Shapes = {};
  const partialIndexes: string[] = [];
  const at = (table: string): TableShape =>
    (shapes[table] ??= { columns: {}, primaryKey: '', uniques: [], indexes: [], foreignKeys: [] });

  for (const row of (await pool.query<ColumnRow>(COLUMNS)).rows) {
    const defaultValue = row.default === null ? undefined : plainDefault(row.default);
    at(row.table).columns[row.column] = describeColumn({ type: row.type, nullable: row.nullable, defaultValue });
  }
  for (const row of (await pool.query<IndexRow>(INDEXES)).rows) {
    const columns = columnList(row.columns.map((name) => name.replaceAll('"', '')));
    if (row.partial) partialIndexes.push(row.name);
    else if (row.primary) at(row.table).primaryKey = columns;
    else (row.unique ? at(row.table).uniques : at(row.table).indexes).push(columns);
  }
  for (const row of (await pool.query<ForeignKeyRow>(FOREIGN_KEYS)).rows) {
    at(row.table).foreignKeys.push(`${columnList(row.columns)} -> ${row.other} ${columnList(row.references)}`);
  }
  delete shapes[BOOKKEEPING];
  for (const shape of Object.values(shapes)) {
    for (const list of [shape.uniques, shape.indexes, shape.foreignKeys]) list.sort();
  }
  return { shapes, partialIndexes: partialIndexes.sort() };
}

/** `'{}'::jsonb` -> `{}`, `'-1'::integer` -> `-1`, `now()` as it is. */
function plainDefault(expression: string): string {
  const literal = /^'((?:[^']|'')*)'(?:::.+)?$/.exec(expression)?.[1];
  return literal === undefined ? expression : literal.replaceAll("''", "'");
}
