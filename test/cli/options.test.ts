import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { optionsHelp } from '../../src/cli/help.ts';
import {
  flag,
  integer,
  listOf,
  number,
  oneOf,
  option,
  parseCommandLine,
  readOptions,
  text,
  type OptionTable,
} from '../../src/cli/options.ts';
import { UsageError } from '../../src/cli/usage-error.ts';

const table = {
  out: option(text, { value: 'FOLDER', about: 'folder for the results', default: 'results' }),
  tile: option(integer({ min: 32 }), { value: 'N', about: 'side of a tile', otherwise: 'as in training' }),
  threshold: option(number({ min: 0, max: 1 }), { value: 'X', about: 'minimum score', default: 0.5 }),
  format: option(oneOf(['csv', 'coco']), { value: 'NAME', about: 'format of the output' }),
  depth: option(listOf(oneOf([18, 50])), { value: 'LIST', about: 'depths', default: [50] }),
  quiet: flag('prints less', 'q'),
} as const satisfies OptionTable;

const test = suite('options');
const parse = (...args: string[]) => readOptions(table, parseCommandLine(args, table).given);
const refuses = (args: string[], message: string): void =>
  assert.throws(
    () => parse(...args),
    (error: Error) => error instanceof UsageError && assert.is(error.message, message) === undefined,
  );

test('defaults stand for options that are not given', () => {
  const defaults = { out: 'results', tile: undefined, threshold: 0.5, format: undefined, depth: [50], quiet: false };
  assert.equal(parse(), defaults);
});

test('values have their types', () => {
  const args = ['--out', 'a b', '--tile=64', '--threshold', '1e-1', '--format', 'coco', '--depth', '18, 50', '-q'];
  const values = { out: 'a b', tile: 64, threshold: 0.1, format: 'coco', depth: [18, 50], quiet: true };
  assert.equal(parse(...args), values);
});

test('options and other arguments mix; after -- there are no options', () => {
  const { given, positionals } = parseCommandLine(['a', '--tile', '64', 'b', '--', '--quiet'], table);
  assert.equal([...given], [['tile', '64']]);
  assert.equal(positionals, ['a', 'b', '--quiet']);
});

test('the last of two values counts', () => {
  assert.is(parse('--tile', '64', '--tile', '96').tile, 96);
});

test('a value that starts with a dash is written with =', () => {
  refuses(['--out', '--quiet'], '--out needs a value: --out FOLDER, or --out=--quiet');
  refuses(['--out'], '--out needs a value: --out FOLDER');
  assert.is(parse('--out=--quiet').out, '--quiet');
  assert.is(parse('--out', '-').out, '-');
});

test('an invalid value is refused with what is expected', () => {
  refuses(['--out', ''], '--out is "", expected non-empty text');
  for (const tile of ['', 'x', '31', '32.5', 'Infinity']) {
    refuses(['--tile', tile], `--tile is "${tile}", expected an integer >= 32`);
  }
  for (const threshold of ['', 'half', '1.5', 'NaN']) {
    refuses(['--threshold', threshold], `--threshold is "${threshold}", expected a number from 0 to 1`);
  }
  refuses(['--format', 'coc'], '--format is "coc", expected one of csv, coco; did you mean coco?');
  refuses(['--depth', '18,34'], '--depth is "18,34", expected one of 18, 50, or a comma-separated list of such values');
  refuses(['--quiet=no'], '--quiet takes no value, got "no"');
});

test('an unknown option is refused with the nearest one', () => {
  refuses(['--treshold', '0.5'], 'unknown option --treshold; did you mean --threshold?');
  refuses(['-x'], 'unknown option -x');
  refuses(['--constructor'], 'unknown option --constructor');
  refuses(['--no-quiet'], 'unknown option --no-quiet; did you mean --quiet?');
});

test('the help aligns names, descriptions and defaults, and wraps them', () => {
  const about = 'word '.repeat(24).trim();
  assert.is(
    optionsHelp({ tile: table.tile, quiet: table.quiet, depth: table.depth, long: flag(about) }),
    [
      '  --tile N      side of a tile (default: as in training)',
      '  --quiet, -q   prints less',
      '  --depth LIST  depths (default: 50)',
      `  --long        ${'word '.repeat(21).trim()}`,
      `                ${'word '.repeat(3).trim()}`,
    ].join('\n'),
  );
});

test.run();
