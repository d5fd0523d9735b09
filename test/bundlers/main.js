import { program } from './program.js';

program().then(
  (value) => (globalThis.outcome = JSON.stringify(value)),
  (error) => (globalThis.outcome = `${error.message}\n${error.stack}`),
);
