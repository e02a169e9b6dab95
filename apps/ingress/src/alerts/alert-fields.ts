import type { FieldProblem } from '@tickwire/problem-details';
import { canonicalAmount, type AmountRefusal } from '../signals/canonical-amount.js';
import { pointerTo } from '../signals/pointer-to.js';
import { isStorable } from '../signals/read-signal.js';
import { scanFields } from '../signals/scan-fields.js';
import { instantOf } from './alert-time.js';

const PLACEHOLDER = /\{\{[^{}]*\}\}/;
/** What Pine, JavaScript and Python print where there is no value. */
const NO_VALUE = /^(|nan|na|n\/a|null|none|undefined)$/i;

const PLACEHOLDER_REPAIR =
  'holds a placeholder that was not filled in: check its spelling; {{strategy.…}} is filled only in alerts on a strategy, {{plot(…)}} only where the plot exists';
const NO_VALUE_REPAIR =
  'has no value: the placeholder or variable behind it was empty; write a value, or leave the member out of the message';
const AMOUNT_REPAIRS: Record<AmountRefusal, string> = {
  NOT_A_NUMBER:
    'must be a number above zero with a point for decimals: no thousands separators, signs, units or per cent',
  OUT_OF_RANGE: 'must have at most 24 digits before the point and 12 behind it; round it in the script',
  INEXACT_NUMBER:
    'has more than 15 significant digits, which JSON numbers may lose: put quotes around it in the message',
};

export function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** Whether the object itself has the member. What it would inherit is no member: `__proto__` is a name like any other. */
export function hasMember(json: unknown, name: string): boolean {
  return isObject(json) && Object.hasOwn(json, name);
}

/**
 * Takes members out of an alert and notes what is wrong with them, one problem for each place. A member that is absent
 * or JSON `null` was not sent; readers return undefined for it, and for one that was refused.
 */
export class AlertFields {
  /**
   * @param members  the alert as parsed, or an object within it
   * @param raw      the JSON text of its amounts
   * @param at       pointer to the object; empty for the alert itself
   */
  constructor(
    private readonly members: Readonly<Record<string, unknown>>,
    private readonly raw: ReadonlyMap<string, string>,
    private readonly at = '',
    private readonly problems = new Map<string, FieldProblem>(),
  ) {}

  get errors(): FieldProblem[] {
    return [...this.problems.values()];
  }

  get names(): string[] {
    return Object.keys(this.members);
  }

  has(name: string): boolean {
    return hasMember(this.members, name) && this.members[name] !== null;
  }

  /** Notes a problem, unless the place has one. */
  refuse(name: string, code: string, detail: string): undefined {
    this.note({ pointer: this.at + pointerTo(name), code, detail });
  }

  /** As {@link refuse}, for a problem that was found elsewhere. */
  note(problem: FieldProblem): void {
    if (!this.problems.has(problem.pointer)) this.problems.set(problem.pointer, problem);
  }

  /** What the sender means is clear, and nothing here does it. */
  refuseUnsupported(name: string, detail: string): undefined {
    return this.refuse(name, 'UNSUPPORTED', detail);
  }

  refuseUnsupportedAll(names: readonly string[], detail: string): void {
    for (const name of names) if (this.has(name)) this.refuseUnsupported(name, detail);
  }

  /** Refuses every text with a placeholder in it, also in members that nothing reads: the template is at fault. */
  refuseUnfilled(): void {
    for (const [name, value] of Object.entries(this.members)) {
      if (typeof value === 'string' && PLACEHOLDER.test(value)) {
        this.refuse(name, 'UNFILLED_PLACEHOLDER', PLACEHOLDER_REPAIR);
      }
    }
  }

  /**
   * The one of several names that was sent; the first where none was. With two, which one counts would be a guess.
   */
  oneOf(...names: [string, ...string[]]): string {
    const [sent, ...others] = names.filter((name) => this.has(name));
    for (const other of others) this.refuse(other, 'AMBIGUOUS', `says the same as ${sent}: send one of the two`);
    return sent ?? names[0];
  }

  require(name: string, detail: string): void {
    if (hasMember(this.members, name) && this.members[name] === null) this.refuse(name, 'NO_VALUE', NO_VALUE_REPAIR);
    else if (!this.has(name)) this.refuse(name, 'REQUIRED', detail);
  }

  /** @returns the text without blanks around it, never empty */
  text(name: string, maxLength: number): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.members[name];
    if (typeof value !== 'string') return this.refuse(name, 'INVALID', 'must be text: put quotes around it');
    const text = value.trim();
    if (text === '') return this.refuse(name, 'NO_VALUE', NO_VALUE_REPAIR);
    if (text.length > maxLength) {
      return this.refuse(name, 'INVALID', `must have at most ${maxLength} characters`);
    }
    if (!isStorable(text)) return this.refuse(name, 'INVALID', 'must not hold NUL or half of a surrogate pair');
    return text;
  }

  /** @returns a canonical decimal string above zero, exactly the value that was written */
  amount(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.members[name];
    if (typeof value !== 'number' && typeof value !== 'string') {
      return this.refuse(name, 'INVALID', AMOUNT_REPAIRS.NOT_A_NUMBER);
    }
    const text = typeof value === 'string' ? value.trim() : (this.raw.get(name) ?? '');
    if (typeof value === 'string' && NO_VALUE.test(text)) return this.refuse(name, 'NO_VALUE', NO_VALUE_REPAIR);
    const read = canonicalAmount(text, typeof value === 'string' ? 'string' : 'number');
    if ('refusal' in read) return this.refuse(name, read.refusal, AMOUNT_REPAIRS[read.refusal]);
    if (read.amount === '0' || read.amount.startsWith('-')) {
      return this.refuse(name, 'INVALID', 'must be above zero: action says the side, and the amount has no sign');
    }
    return read.amount;
  }

  /** @returns ISO 8601 UTC with milliseconds */
  instant(name: string): string | undefined {
    if (!this.has(name)) return undefined;
    const value = this.members[name];
    if (typeof value === 'string' && NO_VALUE.test(value.trim())) return this.refuse(name, 'NO_VALUE', NO_VALUE_REPAIR);
    const instant =
      typeof value === 'string' || typeof value === 'number' ? instantOf(String(value).trim()) : undefined;
    return (
      instant ?? this.refuse(name, 'INVALID', 'must be a time: ISO 8601 with its zone, as {{time}} gives it, or unix')
    );
  }

  /** @returns one of `words`, whatever its case */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const text = this.text(name, 64)?.toLowerCase();
    if (text === undefined) return undefined;
    return words.find((word) => word === text) ?? this.refuse(name, 'INVALID', `must be one of ${words.join(', ')}`);
  }

  /** Accepts a switch only where it is off; templates write it as text, too. */
  mustBeOff(name: string, detail: string): void {
    const value = this.has(name) ? this.members[name] : false;
    const off = value === false || (typeof value === 'string' && value.trim().toLowerCase() === 'false');
    if (!off) this.refuseUnsupported(name, detail);
  }

  /**
   * An object within the alert; its problems are noted with those of the alert.
   * @param amounts  its members that are amounts
   */
  object(name: string, amounts: ReadonlySet<string>): AlertFields | undefined {
    if (!this.has(name)) return undefined;
    const value = this.members[name];
    if (!isObject(value)) return this.refuse(name, 'INVALID', 'must be an object');
    const raw = scanFields(Buffer.from(this.raw.get(name) ?? ''), amounts);
    return new AlertFields(value, raw, this.at + pointerTo(name), this.problems);
  }
}
