// WGSL for the editor.
import { StreamLanguage } from '@codemirror/language';

const KEYWORDS =
  /^(?:alias|break|case|const|const_assert|continue|continuing|default|diagnostic|discard|else|enable|false|fn|for|if|let|loop|override|requires|return|struct|switch|true|var|while)\b/;
const TYPES = /^(?:array|atomic|bool|f16|f32|i32|u32|mat[234]x[234][fh]?|ptr|vec[234][fhiu]?)\b/;

export const wgsl = StreamLanguage.define<{ inComment: boolean }>({
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
