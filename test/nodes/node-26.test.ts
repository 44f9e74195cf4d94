import { servesOn } from '../support/nodes.ts';

await servesOn('node26', ['cli/start-and-idle']);
