import type { AlertAdapter, AlertForm, AlertInput, AlertReading } from './alert-adapter.js';
import { tickwireAlerts } from './tickwire-alerts.js';
import { tradersPostAlerts } from './traderspost-alerts.js';
import { tradingViewAlerts } from './tradingview-alerts.js';
import { unreadableAlert } from './unreadable-alert.js';

/** The first that recognises an alert reads it; TradingView's has no fixed form and takes what is left. */
const ADAPTERS: readonly AlertAdapter[] = [tickwireAlerts, tradersPostAlerts, tradingViewAlerts];

/**
 * Reads an alert by the adapter of its form. Pure, and never throws: whatever is sent, the outcome is a signal that
 * `readSignal` accepts, or what to mend.
 */
export function readAlert(alert: AlertInput): AlertReading & { adapter: AlertForm } {
  const adapter = ADAPTERS.find((candidate) => candidate.recognises(alert));
  // Only TradingView is known to send what is no JSON.
  if (adapter === undefined) return { adapter: 'tradingview', errors: unreadableAlert(alert) };
  return { adapter: adapter.form, ...adapter.read(alert) };
}
