/** Reads the value of an option. @throws TypeError that names the option and the range */
export function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < min || value > max)
    throw new TypeError(`${name}: a whole number from ${min} to ${max} is wanted, not ${text}`);
  return value;
}
