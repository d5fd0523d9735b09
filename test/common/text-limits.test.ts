/** Texts made to harm: JSON, YAML and XML under limits, and what a terminal would obey. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { InputError } from '../../src/common/errors.ts';
import { JsonError, parseJson } from '../../src/common/json.ts';
import { printable, printableLine } from '../../src/common/printable.ts';
import { readSettingsFile } from '../../src/common/settings-text.ts';
import { SettingError } from '../../src/common/settings.ts';
import { parseXml, XmlError } from '../../src/common/xml.ts';
import { parseCoco } from '../../src/labels/coco.ts';
import { parseYoloData } from '../../src/labels/yolo.ts';
import { LabelError } from '../../src/labels/problems.ts';

type Class = abstract new (...args: never[]) => Error;

function refuses(work: () => unknown, type: Class, message: RegExp): void {
  try {
    work();
  } catch (error) {
    assert.instance(error, type);
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable(`expected ${message}`);
}

test('JSON: nesting has a limit, also in strings that look nested', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  assert.ok(Array.isArray(parseJson(nested(200))));
  refuses(() => parseJson(`{"a":\n${nested(200)}}`), JsonError, /^more than 200 arrays and objects inside each other$/);
  refuses(() => parseJson('['.repeat(1e6)), JsonError, /more than 200/);
  assert.equal(parseJson(`{"a": "${'['.repeat(1000)}\\\\\\"${'{'.repeat(1000)}"}`), {
    a: `${'['.repeat(1000)}\\"${'{'.repeat(1000)}`,
  });
  refuses(() => parseCoco('{"images":['.repeat(1e5), { name: 'a.json' }), LabelError, /^a.json:1: more than 200/);
});

test('JSON: long strings and many numbers that are none do not overflow the stack', () => {
  refuses(() => parseJson(`["${'a\\\\'.repeat(3e6)}`), JsonError, /^truncated: /);
  assert.equal(parseJson('[NaN, "NaN \\" NaN", -Infinity, "\\\\"]'), ['NaN', 'NaN " NaN', '-Infinity', '\\']);
  refuses(() => parseJson('[NaN,\n"a",]'), JsonError, /^not JSON: /);
});

test('names of prototypes are names', () => {
  const text =
    '{"images":[{"id":1,"file_name":"__proto__"}],"categories":[{"id":1,"name":"__proto__"},{"id":2,"name":"constructor"}],' +
    '"annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[1,1,3,3]}],"__proto__":{"polluted":1}}';
  const table = parseCoco(text, { name: 'a.json' });
  assert.equal(table.classes, ['__proto__', 'constructor']);
  assert.is(table.images[0]!.file, '__proto__');
  readSettingsFile('__proto__: {polluted: 1}\nconstructor: {prototype: {polluted: 1}}', 'a.yaml');
  assert.is(({} as Record<string, unknown>)['polluted'], undefined);
});

test('YAML: aliases, keys and nesting have limits', () => {
  const laughs = Array.from('bcdefghi', (name, i) => {
    const before = '*' + 'abcdefgh'[i]!;
    return `${name}: &${name} [${Array.from({ length: 9 }, () => before).join()}]`;
  });
  const bomb = ['a: &a ["lol"]', ...laughs].join('\n');
  const keys = Array.from({ length: 10_002 }, (_, i) => `k${i}: 1`).join('\n');
  for (const [text, reason] of [
    [bomb, /Excessive alias count/],
    [
      keys,
      /10001 lines and commas exceed maxYamlEntries = 10000; if you trust the file, raise it with --limit maxYamlEntries=N/,
    ],
    ['a'.repeat(1_000_001), /1000001 characters, more than 100 for each line and comma, exceed maxYamlEntries = 10000/],
    ['['.repeat(20_000), /lists and groups are nested too deeply$/],
    [`a:\n  ${'- '.repeat(5000)}x`, /lists and groups are nested too deeply$/],
    [`${'["]",'.repeat(2000)}x`, /lists and groups are nested too deeply$/],
    [`${'? '.repeat(5000)}x`, /lists and groups are nested too deeply$/],
    ['a: 1\na: 2', /Map keys must be unique/],
  ] as const) {
    refuses(() => readSettingsFile(text, 'a.yaml'), SettingError, new RegExp(`^a.yaml: .*${reason.source}`, 's'));
    refuses(() => parseYoloData(text, 'a.yaml'), LabelError, new RegExp(`^a.yaml: .*${reason.source}`, 's'));
  }
});

test('XML: nesting has a limit, entities do not expand, errors are short', () => {
  refuses(() => parseXml('<a>'.repeat(5000) + '</a>'.repeat(5000)), XmlError, /nested/);
  refuses(() => parseXml('<a>'.repeat(100_000)), XmlError, /^.{1,203}$/s);
  const entities = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>';
  try {
    assert.not.match(parseXml(entities).children[0]!.text, /bb/);
  } catch (error) {
    assert.instance(error, XmlError);
  }
});

test('what a terminal obeys becomes an escape', () => {
  assert.is(printable('a\u001b[31m\u009bb\u202ec\rd\u0007'), 'a\\u001b[31m\\u009bb\\u202ec\\u000dd\\u0007');
  assert.is(printable('größe 樹 😀\ttab\nline'), 'größe 樹 😀\ttab\nline');
  assert.is(printableLine('a\nb'), 'a\\u000ab');
  const file = 'a\nb\u001b]0;x\u0007.png';
  const error = new InputError('readImage', 'damaged', { file });
  assert.is(error.message, 'readImage: a\\u000ab\\u001b]0;x\\u0007.png: damaged');
  assert.is(error.file, file);
  assert.equal(JSON.parse(printable(JSON.stringify({ file: '\u009b\u202e' }))), { file: '\u009b\u202e' });
});

test.run();
