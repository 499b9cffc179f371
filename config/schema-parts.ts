// Checks that several parts of the schema use.
import * as z from 'zod';
import { bitsOf, firstOf } from './cidr.ts';

export const whole = (unit: string, min: number, max: number) => {
  const fault = `must be a whole number of ${unit} from ${min} to ${max}`;
  return z.number(fault).refine((value) => Number.isInteger(value) && value >= min && value <= max, fault);
};

// A part that begins with 0 is octal to some who read it.
const part = '(0|[1-9]\\d{0,2})';
const range = new RegExp(`^${part}\\.${part}\\.${part}\\.${part}/(0|[1-9]\\d?)$`);

/** A range of IPv4 addresses that says its first one. */
export const cidr = z
  .string()
  .refine(
    (text) => {
      const [, ...parts] = range.exec(text) ?? [];
      return parts.length === 5 && parts.slice(0, 4).every((each) => Number(each) <= 255) && Number(parts[4]) <= 32;
    },
    { error: 'must be an IPv4 range such as 10.0.1.0/24', abort: true },
  )
  .refine((text) => firstOf(text) === text, {
    error: ({ input }) => `must begin where its block begins: ${firstOf(String(input))}`,
  });

/**
 * The range of a subnet.
 *
 * @param longest most bits of its prefix
 * @param why who needs so many addresses
 */
export const subnet = (longest: number, why: string) =>
  cidr.refine((text) => bitsOf(text) <= longest, `must be /${longest} or larger: ${why}`);
