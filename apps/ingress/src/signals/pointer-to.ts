import { pointerStep } from '@tickwire/problem-details';

/** Of a name of the sender's; a pointer is at most 256 characters in events, and an escape takes two. */
const MAX_NAME = 100;

/**
 * RFC 6901 pointer to a member of an object, shortened, and in characters that every store can hold: the name may be
 * the sender's.
 */
export function pointerTo(name: string): string {
  return pointerStep(name.slice(0, MAX_NAME).replaceAll('\0', '\uFFFD').toWellFormed());
}
