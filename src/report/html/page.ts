import { contents, paragraph, sectionMarkup, type Section } from './markup.ts';
import { reportStyle } from './style.ts';
import { escapeXml } from '../charts/svg-frame.ts';

/** The contents of a page: texts, except for `top`, which is markup. */
export interface Page {
  readonly title: string;
  /** The result in a sentence or two. */
  readonly verdict: string | null;
  readonly summary: string | undefined;
  readonly warnings: readonly string[] | undefined;
  /** Markup above the table of contents. */
  readonly top: string;
  readonly sections: readonly Section[];
}

/** A page as the text of a self-contained HTML file. */
export function page({ title, verdict, summary, warnings = [], top, sections }: Page): string {
  return (
    '<!doctype html>\n' +
    '<html lang="en">\n<head>\n<meta charset="utf-8" />\n' +
    '<meta name="viewport" content="width=device-width, initial-scale=1" />\n' +
    // Nothing may be fetched, whatever the data contain.
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'" />\n` +
    `<title>${escapeXml(title)}</title>\n<style>${reportStyle}</style>\n</head>\n<body>\n<header>\n<h1>${escapeXml(title)}</h1>\n` +
    (verdict === null ? '' : paragraph(verdict, 'verdict')) +
    (summary === undefined ? '' : paragraph(summary)) +
    warnings.map((warning) => paragraph(warning, 'warning')).join('') +
    top +
    contents(sections) +
    `</header>\n<main>\n${sections.map(sectionMarkup).join('')}</main>\n</body>\n</html>\n`
  );
}
