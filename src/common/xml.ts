import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { reasonOf } from './check.ts';
import { exceeds, fileLimits } from './limits.ts';

/** An element of an XML document. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Its text and CDATA, without that of the elements inside. */
  readonly text: string;
  readonly children: readonly XmlElement[];
  /** Line of its start tag, from 1. */
  readonly line: number;
}

/** Text that is not XML. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
  /** Line, from 1. */
  readonly line: number;
  constructor(line: number, message: string, cause?: unknown) {
    // The parser repeats the text of tags, however long.
    super(message.length > 200 ? `${message.slice(0, 200)}...` : message, { cause });
    this.line = line;
  }
}

const parser = new XMLParser({
  preserveOrder: true,
  captureMetaData: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseAttributeValue: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  // The limits are against entities that a document defines; the predefined ones cannot grow.
  processEntities: { enabled: true, maxTotalExpansions: Infinity, maxExpandedLength: Infinity, maxEntityCount: 0 },
});

/** What the parser gives for an element or a text: its name, with the nodes inside or the text. */
type Node = Readonly<Record<string, readonly Node[] | string>> & {
  readonly [position: symbol]: { startIndex?: number };
};

/**
 * Parses XML without its comments and instructions.
 *
 * @returns an element without a name around the root
 * @throws XmlError for text that is not XML or has more tags than `maxXmlTags`, and for elements that are nested deeper than 100
 *   levels
 */
export function parseXml(text: string): XmlElement {
  const { maxXmlTags } = fileLimits();
  const tags = countOf(text, '<');
  if (tags > maxXmlTags) throw new XmlError(1, exceeds(`${tags} tags`, 'maxXmlTags', maxXmlTags));
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw new XmlError(valid.err.line, valid.err.msg);
  let position = 0;
  let line = 1;
  // Start tags come in the order of the text, so that each line is counted once.
  const lineOf = (index: number): number => {
    for (; position < index; position++) if (text[position] === '\n') line++;
    return line;
  };
  const element = (name: string, nodes: readonly Node[], at: number, attributes = {}): XmlElement => ({
    name,
    attributes,
    line: lineOf(at),
    text: nodes.map((node) => (typeof node['#text'] === 'string' ? node['#text'] : '')).join(''),
    children: nodes.flatMap((node) => {
      const [tag, inside] = Object.entries(node).find(([key]) => key !== '#text' && key !== ':@') ?? [];
      if (tag === undefined || typeof inside === 'string') return [];
      return [
        element(tag, inside!, node[XMLParser.getMetaDataSymbol() as symbol]?.startIndex ?? 0, attributesOf(node)),
      ];
    }),
  });
  try {
    return element('', parser.parse(text) as Node[], 0);
  } catch (error) {
    // The parser's own limits, of levels for example.
    throw new XmlError(line, reasonOf(error), error);
  }
}

function countOf(text: string, character: string): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) count++;
  return count;
}

const attributesOf = (node: object): Record<string, string> =>
  ':@' in node ? (node[':@'] as Record<string, string>) : {};
