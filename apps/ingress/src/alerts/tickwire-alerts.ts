import { readSignal } from '../signals/read-signal.js';
import type { AlertAdapter, AlertInput, AlertReading } from './alert-adapter.js';
import { AlertFields, hasMember, isObject } from './alert-fields.js';
import { identified, readSymbol } from './alert-signal.js';

const BOUND_IDS = ['tenantId', 'accountId', 'botId'] as const;

/**
 * Alerts in our own form: the body of `POST /api/v1/webhooks/signals` (see `SignalRequest`), for senders that know it
 * and cannot sign. It is told from the other forms by naming its tenant or account. The address decides for whom it
 * trades, so of `tenantId`, `accountId` and `botId` those that are left out are filled in, and others are refused.
 * Everything else is as strict as there; `barTime` may be added, which makes an identity where there is no `signalId`.
 */
export const tickwireAlerts: AlertAdapter = {
  form: 'tickwire',
  recognises: ({ json }) => hasMember(json, 'tenantId') || hasMember(json, 'accountId'),
  read,
};

function read({ json, raw, text, binding }: AlertInput): AlertReading {
  const { barTime: _barTime, ...sent } = isObject(json) ? json : {};
  const fields = new AlertFields(isObject(json) ? json : {}, raw);
  fields.refuseUnfilled();
  for (const name of BOUND_IDS) {
    if (hasMember(sent, name) && sent[name] !== binding[name]) {
      fields.refuse(name, 'NOT_BOUND', "is not the one of the alert's address: leave it out of the message");
    }
  }
  const barTime = fields.instant('barTime');
  const { tenantId, accountId, botId } = binding;
  const symbol = readSymbol(fields, 'symbol', binding);
  const body = { ...sent, tenantId, accountId, botId, ...(symbol === undefined ? {} : { symbol }) };
  const checked = readSignal(body, raw);
  if ('signal' in checked && fields.errors.length === 0) return identified(checked.signal, binding, text, barTime);
  // What was found here comes first: it knows the repair.
  if ('errors' in checked) checked.errors.forEach((problem) => fields.note(problem));
  return { errors: fields.errors };
}
