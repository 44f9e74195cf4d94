import t from 'tap';
import { bucketOf } from '../../src/flags/bucket.ts';
t.equal(bucketOf('a.b', 'c') >= 0, true);
