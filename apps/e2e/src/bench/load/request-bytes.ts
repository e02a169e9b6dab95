import type { SignedSignal } from './signed-signals.js';

export const SIGNALS_PATH = '/api/v1/webhooks/signals';

/** A request as it goes over the wire, head and body. */
export function requestBytes(url: string, { headers, body }: SignedSignal): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(
    `POST ${SIGNALS_PATH} HTTP/1.1\r\nhost: ${new URL(url).host}\r\n${lines.join('')}` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
