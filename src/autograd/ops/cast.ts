export { cast } from '../../kernels/elementwise.ts';
