// Reads the file of one attack, and prints the error, the time and the memory: attacks.test.ts runs it.
import { attacked, attacks } from './attacks.ts';

const { error, milliseconds } = await attacked(attacks[Number(process.argv[2])]!);
const { name, message } = error instanceof Error ? error : { name: 'none', message: String(error) };
console.log(JSON.stringify({ name, message, milliseconds, kilobytes: process.resourceUsage().maxRSS }));
