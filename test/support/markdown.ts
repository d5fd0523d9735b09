// Reads the documentation for the tests that check it: its fenced blocks, its command lines and its links.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced block of a page. */
export interface Block {
  /** As in `docs/architecture.md:49`: the page, and the line of the opening fence. */
  readonly origin: string;
  readonly page: string;
  /** What follows the opening fence, such as `ts`. */
  readonly language: string;
  readonly code: string;
  /** The text from the heading of the section, included, to the block, without earlier blocks. */
  readonly before: string;
}

export const readPage = (page: string): string => readFileSync(join(root, page), 'utf8');

/** The fenced blocks of a page, from the first to the last. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  let before: string[] = [];
  let open: { readonly line: number; readonly language: string; readonly lines: string[] } | null = null;
  for (const [i, line] of readPage(page).split('\n').entries()) {
    if (open !== null) {
      if (line !== '```') {
        open.lines.push(line);
        continue;
      }
      const { language, lines } = open;
      const code = lines.map((text) => `${text}\n`).join('');
      blocks.push({ origin: `${page}:${open.line}`, page, language, code, before: before.join('\n') });
      open = null;
    } else if (line.startsWith('```')) {
      open = { line: i + 1, language: line.slice(3), lines: [] };
    } else if (/^#+ /.test(line)) {
      before = [line];
    } else {
      before.push(line);
    }
  }
  return blocks;
}

/** Whether a block is a program of its own: it imports the package. */
export const isProgram = ({ code }: Block): boolean => /^import [^;]* from 'retinagrad[/\w]*';$/m.test(code);
