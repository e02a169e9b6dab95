import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { configChanged, type ConfigChanged } from '@tickwire/contracts';
import { Directory } from '@tickwire/directory';
import { BroadcastEvents, type ReceivedEvent } from '@tickwire/event-log';

/** Keeps the directory current. Safe to redeliver: an entry that is forgotten again is read again. */
@Controller()
export class ConfigChangedConsumer {
  constructor(@Inject(Directory) private readonly directory: Directory) {}

  @BroadcastEvents({ name: 'ingress.config', events: [configChanged], from: 'end' })
  changed(@Payload() events: ReceivedEvent<ConfigChanged>[]): void {
    this.directory.changed(events);
  }
}
