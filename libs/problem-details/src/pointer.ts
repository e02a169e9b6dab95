/** @returns one step of a JSON pointer (RFC 6901): a member's name, with its slash */
export function pointerStep(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
