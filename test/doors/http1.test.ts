import t from 'tap';
import { doors } from './door.ts';
import { showAll } from './show.ts';

await showAll(t, doors.http1);
