import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parseXml, XmlError, type XmlElement } from '../../src/common/xml.ts';

/** An element as nested lists: name, line, text, elements inside. */
const plain = ({ name, line, text, children }: XmlElement): unknown[] => [name, line, text, ...children.map(plain)];

test('elements with their text and lines', () => {
  const document = parseXml(
    '\uFEFF<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE a SYSTEM "a.dtd" [ <!ELEMENT a ANY> ]>\n<!-- <no>\n -->\n' +
      '<a x="1 > 2" y = \'/\'>one<b/>\n<c:d\n e="f" >two</c:d > <?go on?>three<!-- --></a>\n<!-- end -->\n',
  );
  assert.equal(document.children.map(plain), [['a', 5, 'one\n three', ['b', 5, ''], ['c:d', 6, 'two']]]);
  const [a] = document.children;
  assert.equal(a!.attributes, { x: '1 > 2', y: '/' });
  assert.equal(a!.children[0]!.attributes, {});
});

test('attributes', () => {
  const [root] = parseXml('<a b="1" c:d=\'"&lt;x&gt;"\'><e f="007"/><g/></a>').children;
  assert.equal(root!.attributes, { b: '1', 'c:d': '"<x>"' });
  assert.equal(
    root!.children.map(({ attributes }) => attributes),
    [{ f: '007' }, {}],
  );
});

test('references and CDATA', () => {
  const text = (source: string): string => parseXml(`<a>${source}</a>`).children[0]!.text;
  assert.is(text('&lt;&amp;&gt;&quot;&apos;&#38;&#x6A39;&#x1F600;&amp;lt;'), '<&>"\'&樹😀&lt;');
  assert.is(text('<![CDATA[<b>&amp;]] >]]>'), '<b>&amp;]] >');
});

test('text that is not XML is refused, with its line', () => {
  for (const [source, line] of [
    ['{"a": 1}', 1],
    ['<a>\n<b>\n</a>', 3],
    ['</a>', 1],
    ['<a>\n<b', 1],
    ['<a b=1/>', 1],
  ] as const) {
    try {
      parseXml(source);
    } catch (error) {
      assert.instance(error, XmlError);
      assert.is((error as XmlError).line, line, source);
      continue;
    }
    assert.unreachable(source);
  }
});

test.run();
