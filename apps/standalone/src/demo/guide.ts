import type { DevFile } from '../local/dev-file.js';

/** What a reader needs once the system runs: addresses, symbols, and two commands that work when pasted. */
export function guide(dev: DevFile, devFile: string): string {
  const send = [
    `ID=msg_$(date +%s%N); TS=$(date +%s)`,
    `BODY='{"tenantId":"${dev.tenantId}","accountId":"${dev.accountId}","symbol":"${dev.symbol}","action":"buy","quantity":1}'`,
    // A whsec_ secret is base64: openssl wants its bytes in hex.
    `KEY=$(printf %s '${dev.signingSecret!.replace(/^whsec_/, '')}' | openssl base64 -d -A | od -An -vtx1 | tr -d ' \\n')`,
    `SIG=$(printf %s "$ID.$TS.$BODY" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | openssl base64 -A)`,
    `curl -sS ${dev.ingressUrl}/api/v1/webhooks/signals -H 'content-type: application/json' \\`,
    `  -H "webhook-id: $ID" -H "webhook-timestamp: $TS" -H "webhook-signature: v1,$SIG" -d "$BODY" | tee /tmp/tickwire-answer.json; echo`,
  ];
  const status = `curl -sS "$(sed 's/.*"statusUrl":"\\([^"]*\\)".*/\\1/' /tmp/tickwire-answer.json)" -H 'Prefer: wait=5'; echo`;
  return [
    '',
    'Tickwire is running.',
    `  Signals in   ${dev.ingressUrl}/api/v1/webhooks/signals`,
    `  API          ${dev.apiUrl}/api/v1   (Authorization: Bearer ${dev.apiKey})`,
    `  Admin token  ${dev.adminToken}`,
    `  Account      ${dev.accountId}`,
    `  Symbols      ${dev.apiUrl}/api/v1/worlds/${dev.worldId}/instruments   (the first: ${dev.symbol})`,
    `  All of it    ${devFile}`,
    '',
    'Sign and send a signal:',
    '',
    ...send,
    '',
    'Read its status:',
    '',
    status,
    '',
    'Ctrl-C stops everything.',
    '',
  ].join('\n');
}
