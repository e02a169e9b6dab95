import { HostConfig } from '@tickwire/runtime';

/** The validator reads nothing but what every app reads. */
export class ValidatorConfig extends HostConfig {}
