import { optionalPackage } from '../../imagery/node/optional-package.ts';
import type { XmlReader } from '../voc.ts';

/** Loads the XML parser for `parseVoc`. */
export async function loadXmlReader(): Promise<XmlReader> {
  const { XMLParser, XMLValidator } = await optionalPackage('fast-xml-parser', () => import('fast-xml-parser'));
  const parser = new XMLParser({
    ignoreAttributes: true,
    parseTagValue: false,
    trimValues: false,
    htmlEntities: true,
    isArray: (name) => name === 'object',
    // The limits are against entities that a document defines; the predefined ones cannot grow.
    processEntities: { enabled: true, maxTotalExpansions: Infinity, maxExpandedLength: Infinity, maxEntityCount: 0 },
  });
  return (text) => {
    const valid = XMLValidator.validate(text);
    if (valid !== true) throw Object.assign(new Error(valid.err.msg), { line: valid.err.line });
    return parser.parse(text) as unknown;
  };
}
