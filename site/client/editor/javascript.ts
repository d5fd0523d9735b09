// JavaScript for the editor.
export { javascript } from '@codemirror/lang-javascript';
