import type { WorldEntry } from '@tickwire/directory';
import { dollarShare, type Instrument } from '@tickwire/ledger';
import { createWorld } from '@tickwire/market';

/** The instruments of each world: a function of its parameters, so they are worked out once and never change. */
export class Instruments {
  private readonly byWorld = new Map<string, ReadonlyMap<string, Instrument>>();

  find(world: WorldEntry, symbol: string): Instrument | undefined {
    let instruments = this.byWorld.get(world.id);
    if (!instruments) {
      const { seed, companies } = world.settings;
      const listed = createWorld({ worldId: world.id, seed, companies }).companies();
      instruments = new Map(listed.map((company) => [company.symbol, dollarShare(company.symbol)]));
      this.byWorld.set(world.id, instruments);
    }
    return instruments.get(symbol);
  }
}
