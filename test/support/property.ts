/** fast-check with the same examples in every run. `PROPERTY_SEED=7 npm test` tries others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1) });
export { fc };
