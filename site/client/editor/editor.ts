// A code editor, loaded when the reader opens a kernel or an example.
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState, type Extension, type StateEffect } from '@codemirror/state';
import { EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Problem } from '../ladder/runner.ts';

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--code-comment)' },
  { tag: tags.keyword, color: 'var(--code-keyword)' },
  { tag: tags.string, color: 'var(--code-string)' },
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
 * @param language see wgsl.ts and javascript.ts
 * @param run called on Ctrl-Enter
 */
export function openEditor(
  parent: HTMLElement,
  text: string,
  language: Extension,
  label: string,
  run: () => void,
): Editor {
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
        language,
        syntaxHighlighting(colours),
        // Tab indents, so that readers must be told how to leave.
        EditorView.contentAttributes.of({
          'aria-label': `${label}: Ctrl-Enter runs it, Escape and then Tab leaves it`,
          spellcheck: 'false',
        }),
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
