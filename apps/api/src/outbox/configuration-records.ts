import {
  accountControl,
  configChanged,
  createEvent,
  derivedId,
  encodeEvent,
  worldControl,
  type AccountControl,
  type ConfigChanged,
  type WorldControl,
} from '@tickwire/contracts';
import type { NewRecord } from '@tickwire/event-log';

/** Tells caches what to read again. One id for one version of one row, however often it is sent. */
export function configChangedRecord(change: ConfigChanged, nowMs: number): NewRecord {
  return encodeEvent(
    configChanged,
    createEvent(configChanged, {
      id: derivedId(`${change.entity}/${change.id}`, configChanged.type, change.version),
      source: 'api',
      subject: change.id,
      timeMs: nowMs,
      tenantId: change.tenantId,
      data: change,
    }),
  );
}

/** Tells execution of an account's registration or status. */
export function accountControlRecord(control: AccountControl, nowMs: number): NewRecord {
  return encodeEvent(
    accountControl,
    createEvent(accountControl, {
      id: derivedId(control.accountId, accountControl.type, control.version),
      source: 'api',
      subject: control.accountId,
      timeMs: nowMs,
      tenantId: control.tenantId,
      accountId: control.accountId,
      data: control,
    }),
  );
}

/** @param control `version` is the world's own, which grows with every record on its topic, registrations included */
export function worldControlRecord(control: WorldControl, nowMs: number): NewRecord {
  return encodeEvent(
    worldControl,
    createEvent(worldControl, {
      id: derivedId(control.worldId, worldControl.type, control.version),
      source: 'api',
      subject: control.worldId,
      timeMs: nowMs,
      data: control,
    }),
  );
}
