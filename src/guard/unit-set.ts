/**
 * A set of users that never grows: a Bloom filter (Bloom, 1970). It may take somebody for one who is in it already, and never
 * the other way round. Who is taken so is left out of the count, on whichever version they are.
 */
export type UnitSet = {
  /** Puts somebody in; whether they were not there. */
  add(hash: UnitHash): boolean;
  has(hash: UnitHash): boolean;
  clear(): void;
};

/** Two independent numbers of 32 bits. */
export type UnitHash = { a: number; b: number };

/** Bits that stand for one user. */
const probes = 4;

/** `bits` is a power of two. With eight bits for each user some two in a hundred are taken for another. */
export function unitSet(bits: number): UnitSet {
  const words = new Int32Array(bits / 32);
  const mask = bits - 1;
  let empty = true;
  return {
    add({ a, b }) {
      let fresh = false;
      empty = false;
      for (let i = 0, place = a; i < probes; i += 1, place = (place + b) | 0) {
        const at = place & mask;
        const bit = 1 << (at & 31);
        const word = words[at >>> 5] as number;
        if ((word & bit) !== 0) continue;
        fresh = true;
        words[at >>> 5] = word | bit;
      }
      return fresh;
    },
    has({ a, b }) {
      for (let i = 0, place = a; i < probes; i += 1, place = (place + b) | 0) {
        const at = place & mask;
        if (((words[at >>> 5] as number) & (1 << (at & 31))) === 0) return false;
      }
      return true;
    },
    clear() {
      // Memory that nobody has written to is none: a thousand routes without traffic cost nothing.
      if (!empty) words.fill(0);
      empty = true;
    },
  };
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
  // Odd, so that all places of a power of two are reached.
  into.b = finish(b) | 1;
}

function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
