// Ranges of IPv4 addresses, as the schema takes them: 10.0.1.0/24.

function parse(cidr: string): { address: number; bits: number } {
  const [address = '', bits] = cidr.split('/');
  return { address: address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0), bits: Number(bits) };
}

const blockOf = (address: number, bits: number) => Math.floor(address / 2 ** (32 - bits));

/** Length of the prefix. */
export const bitsOf = (cidr: string): number => parse(cidr).bits;

/** The range written with its first address: 10.0.1.5/24 → 10.0.1.0/24. */
export function firstOf(cidr: string): string {
  const { address, bits } = parse(cidr);
  const first = blockOf(address, bits) * 2 ** (32 - bits);
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${bits}`;
}

/** Whether all addresses of a range are in another, or in the same. */
export function within(inner: string, outer: string): boolean {
  const [small, large] = [parse(inner), parse(outer)];
  return small.bits >= large.bits && blockOf(small.address, large.bits) === blockOf(large.address, large.bits);
}

/** Whether two ranges have an address in common. */
export const overlap = (one: string, other: string) => within(one, other) || within(other, one);

/** Whether a range is in another and leaves something of it. */
export const isPartOf = (inner: string, outer: string) => within(inner, outer) && !within(outer, inner);

/** Ranges that networks of one's own use. Sources: RFC 1918, RFC 6598. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'];
/** Ranges that nobody sends from over the internet. Source: RFC 6890. */
const reservedRanges = [...privateRanges, '0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3'];

export const isPrivate = (cidr: string) => privateRanges.some((each) => within(cidr, each));
/** Whether any address of it is nobody's on the internet. */
export const isReserved = (cidr: string) => reservedRanges.some((each) => overlap(cidr, each));
