/** What is compared between the Prisma schema and the database. Everything is text, so that a difference reads well. */
export interface TableShape {
  /** Column name -> `text not null default 'x'`. */
  columns: Record<string, string>;
  primaryKey: string;
  /** `(a, b)`, sorted. */
  uniques: string[];
  indexes: string[];
  /** `(a) -> table (b)`, sorted. */
  foreignKeys: string[];
}

/** Table name -> its shape. */
export type Shapes = Record<string, TableShape>;

export interface Column {
  /** As `format_type` writes it. */
  type: string;
  nullable: boolean;
  /** Without quotes and casts. */
  defaultValue?: string;
}

/** Prisma has no word on whether a list may be null, so lists are compared without it. */
export function describeColumn({ type, nullable, defaultValue }: Column): string {
  const nullability = type.endsWith('[]') ? '' : nullable ? ' null' : ' not null';
  return `${type}${nullability}${defaultValue === undefined ? '' : ` default ${defaultValue}`}`;
}

export function columnList(names: readonly string[]): string {
  return `(${names.join(', ')})`;
}
