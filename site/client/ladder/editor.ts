// A code editor for WGSL, loaded when the reader opens a kernel.
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { HighlightStyle, indentUnit, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState, type StateEffect } from '@codemirror/state';
import { EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Problem } from './runner.ts';

const KEYWORDS =
  /^(?:alias|break|case|const|const_assert|continue|continuing|default|diagnostic|discard|else|enable|false|fn|for|if|let|loop|override|requires|return|struct|switch|true|var|while)\b/;
const TYPES = /^(?:array|atomic|bool|f16|f32|i32|u32|mat[234]x[234][fh]?|ptr|vec[234][fhiu]?)\b/;

const wgsl = StreamLanguage.define<{ inComment: boolean }>({
  name: 'wgsl',
  startState: () => ({ inComment: false }),
  token(stream, state) {
    if (state.inComment || stream.match('/*')) {
      state.inComment = !stream.match(/^.*?\*\//);
      if (state.inComment) stream.skipToEnd();
      return 'comment';
    }
    if (stream.eatSpace()) return null;
    if (stream.match(/^\/\/.*/)) return 'comment';
    if (stream.match(KEYWORDS) || stream.match(TYPES) || stream.match(/^@\w+/)) return 'keyword';
    if (stream.match(/^(?:0x[\da-f]+|\d*\.?\d+(?:e[+-]?\d+)?)[fhiu]?/i)) return 'number';
    if (stream.match(/^[A-Za-z_]\w*(?=\s*\()/)) return 'variableName.function';
    if (!stream.match(/^[A-Za-z_]\w*/)) stream.next();
    return null;
  },
  languageData: { commentTokens: { line: '//' } },
});

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--code-comment)' },
  { tag: tags.keyword, color: 'var(--code-keyword)' },
  { tag: tags.number, color: 'var(--code-constant)' },
  { tag: tags.function(tags.variableName), color: 'var(--code-function)' },
]);

export interface Editor {
  readonly text: string;
  /** Marks the lines of messages; none removes the marks. */
  mark(problems: readonly Problem[]): void;
  focus(): void;
  close(): void;
}

/**
 * Opens an editor in an element.
 *
 * @param run called on Ctrl-Enter
 */
export function openEditor(parent: HTMLElement, text: string, label: string, run: () => void): Editor {
  const runKey = { key: 'Mod-Enter', run: () => (run(), true) };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        highlightActiveLine(),
        indentUnit.of('  '),
        wgsl,
        syntaxHighlighting(colours),
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
        keymap.of([runKey, indentWithTab, ...defaultKeymap, ...historyKeymap]),
      ],
    }),
  });
  return {
    get text() {
      return view.state.doc.toString();
    },
    mark(problems) {
      const { doc } = view.state;
      const diagnostics = problems.map(({ line, column, message }) => {
        const { from, to } = doc.line(Math.min(Math.max(line, 1), doc.lines));
        const start = Math.min(from + Math.max(column - 1, 0), to);
        return { from: start, to: Math.max(start, to), severity: 'error' as const, message };
      });
      view.dispatch(setDiagnostics(view.state, diagnostics));
      const effects: StateEffect<unknown>[] = diagnostics
        .slice(0, 1)
        .map(({ from }) => EditorView.scrollIntoView(from));
      view.dispatch({ effects });
    },
    focus: () => view.focus(),
    close: () => view.destroy(),
  };
}
