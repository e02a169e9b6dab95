import { assertSlippageModel, DEFAULT_SLIPPAGE, NO_SLIPPAGE } from './slippage-model.js';
import type { SlippageModel } from './slippage-model.js';

describe('assertSlippageModel', () => {
  it('accepts the models that come with the library', () => {
    for (const model of [DEFAULT_SLIPPAGE, NO_SLIPPAGE]) expect(() => assertSlippageModel(model)).not.toThrow();
  });

  it.each<[string, Partial<SlippageModel>]>([
    ['baseMilliSteps', { baseMilliSteps: -1 }],
    ['spreadShareBps', { spreadShareBps: 0.5 }],
    ['randomMilliSteps', { randomMilliSteps: NaN }],
    ['protection.steps', { protection: { steps: -1 } }],
    ['protection.bps', { protection: { bps: 1e10 } }],
    ['impact.coefficientPpm', { impact: { law: 'linear', coefficientPpm: -1, participationCapBps: 1 } }],
    ['impact.participationCapBps', { impact: { law: 'linear', coefficientPpm: 1, participationCapBps: Infinity } }],
    ['levels', { levels: 0 }],
    ['levels', { levels: 1_001 }],
  ])('names %s when it is out of range', (field, changes) => {
    expect(() => assertSlippageModel({ ...DEFAULT_SLIPPAGE, ...changes })).toThrow(field);
  });
});
