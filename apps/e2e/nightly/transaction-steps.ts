import type { Deployed } from '@tickwire/standalone';

/** A place between two steps of a transaction path, as the apps publish it on the channel `tickwire.steps`. */
export interface TransactionStep {
  label: string;
  /** The processes that pass it while signals and ticks are under way. */
  victims: readonly Deployed[];
}

const FENCED: readonly Deployed[] = ['validator', 'execution-accounts', 'execution-worlds', 'api'];
/** Those of them that emit: the projector only stores. */
const EMITTING: readonly Deployed[] = ['validator', 'execution-accounts', 'execution-worlds'];

export const TRANSACTION_STEPS: readonly TransactionStep[] = [
  { label: 'ingress.claimed', victims: ['ingress'] },
  { label: 'ingress.appended', victims: ['ingress'] },
  { label: 'ingress.completed', victims: ['ingress'] },
  { label: 'fence.committing', victims: FENCED },
  { label: 'fence.sent', victims: FENCED },
  { label: 'fence.committed', victims: FENCED },
  { label: 'outbox.appended', victims: EMITTING },
  { label: 'dispatcher.answered', victims: ['tick-dispatcher'] },
  { label: 'dispatcher.recorded', victims: ['tick-dispatcher'] },
  { label: 'dispatcher.settled', victims: ['tick-dispatcher'] },
  { label: 'notifier.sent', victims: ['notifier'] },
];
