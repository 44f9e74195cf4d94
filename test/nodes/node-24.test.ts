import { servesOn } from '../support/nodes.ts';

await servesOn('node24');
