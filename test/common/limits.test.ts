import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { sharedOptions } from '../../src/cli/options.ts';
import { defaultFileLimits, fileLimits, setFileLimits } from '../../src/common/limits.ts';
import { parseXml } from '../../src/common/xml.ts';
import { parseYaml } from '../../src/common/yaml.ts';

test('limits of files change one by one, and are those that the readers use', () => {
  assert.equal(fileLimits(), defaultFileLimits);
  const xml = `<a>${'<b/>'.repeat(200_000)}<c></a>`;
  assert.throws(
    () => parseXml(xml.replace('<c>', '<c/>'.repeat(199_999))),
    /exceed maxXmlTags = 400000; .*--limit maxXmlTags=N/,
  );
  setFileLimits({ maxYamlEntries: 2, maxXmlTags: 3 });
  try {
    assert.equal(fileLimits(), { ...defaultFileLimits, maxYamlEntries: 2, maxXmlTags: 3 });
    assert.throws(() => parseYaml('[1,2,3,4]'), /^3 lines and commas exceed maxYamlEntries = 2;/);
    assert.throws(() => parseXml('<a><b/></a><!-- -->'), /^4 tags exceed maxXmlTags = 3;/);
    assert.equal(parseYaml('[1,2,3]'), [1, 2, 3]);
    setFileLimits({ maxYamlEntries: Infinity });
    assert.equal(parseYaml('[1,2,3,4]'), [1, 2, 3, 4]);
  } finally {
    setFileLimits(defaultFileLimits);
  }
  assert.throws(() => setFileLimits({ maxPixel: 1 } as object), /setFileLimits: .*maxPixel/);
  assert.throws(() => setFileLimits({ maxPixels: 0 }), /maxPixels is 0, expected a number >= 1/);
  assert.equal(fileLimits(), defaultFileLimits);
});

test('--limit takes some of them', () => {
  const read = sharedOptions('x').limit.reader!.read;
  assert.equal(read('maxPixels=2e8,maxXmlTags=5'), { maxPixels: 2e8, maxXmlTags: 5 });
  for (const text of [
    '',
    'maxPixels',
    'pixels=3',
    'maxPixels=0',
    'maxPixels=1=2',
    'constructor=5',
    'maxPixels=x',
    'maxPixels=',
  ])
    assert.is(read(text), undefined, text);
});

test.run();
