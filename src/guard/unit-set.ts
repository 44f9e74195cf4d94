/**
 * A set of users that never grows: a Bloom filter (Bloom, 1970). It may take somebody for one who is in it already, and never
 * the other way round. Who is taken so is left out of the count, on whichever version they are.
 */
export type UnitSet = {
  /** Puts somebody in; whether they were not there. */
  add(hash: UnitHash): boolean;
  has(hash: UnitHash): boolean;
};

/** Several sets, forgotten together. */
export type UnitSets = { sets: readonly UnitSet[]; clear(): void };

/** Two independent numbers of 32 bits. */
export type UnitHash = { a: number; b: number };

/**
 * Bits of a block. All that is known of one user lies in one, whichever the set, so that a look at a user is one look into
 * memory (Putze, Sanders and Singler, 2007). In each set a user has one bit in each quarter of the block.
 */
const block = 512;

/**
 * So many sets in this many bits together, a power of two from 512 on. With eight bits for each user and set some three in a hundred
 * are taken for another.
 */
export function unitSets(bits: number, count: number): UnitSets {
  const words = new Int32Array(bits / 32);
  const blocks = bits / block - 1;
  let empty = true;
  return {
    sets: Array.from({ length: count }, (_, set): UnitSet => {
      const own = Math.imul(set + 1, 0x9e3779b9);
      return {
        add({ a, b }) {
          empty = false;
          const start = (a & blocks) << 4;
          const places = placesOf(b, own);
          let fresh = false;
          for (let quarter = 0; quarter < 4; quarter += 1) {
            const place = (places >>> (7 * quarter)) & 127;
            const at = start + (quarter << 2) + (place >>> 5);
            const word = words[at] as number;
            const bit = 1 << (place & 31);
            if ((word & bit) !== 0) continue;
            fresh = true;
            words[at] = word | bit;
          }
          return fresh;
        },
        has({ a, b }) {
          const start = (a & blocks) << 4;
          const places = placesOf(b, own);
          for (let quarter = 0; quarter < 4; quarter += 1) {
            const place = (places >>> (7 * quarter)) & 127;
            const word = words[start + (quarter << 2) + (place >>> 5)] as number;
            if ((word & (1 << (place & 31))) === 0) return false;
          }
          return true;
        },
      };
    }),
    clear() {
      // Memory that nobody has written to is none: a thousand routes without traffic cost nothing.
      if (!empty) words.fill(0);
      empty = true;
    },
  };
}

/** Four places of seven bits each, other ones in each set. */
function placesOf(b: number, own: number): number {
  const mixed = Math.imul(b ^ own, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}

/**
 * Hashes a key into `into`, so that nothing is allocated. Without the seed nobody can choose keys that meet. FNV-1a in two lanes,
 * each finished as MurmurHash3 does.
 */
export function hashUnit(key: string, seed: number, into: UnitHash): void {
  let a = seed ^ 0x811c9dc5;
  let b = ~seed ^ 0x9e3779b9;
  for (let i = 0; i < key.length; i += 1) {
    const code = key.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b);
  }
  into.a = finish(a);
  into.b = finish(b);
}

function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
