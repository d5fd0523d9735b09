// Operations that change a tensor in place. They are not recorded; autograd notices if a value that it needs is changed.
export { assign } from '../../kernels/copy.ts';
export { axpby, axpbyAll, scaleAll } from '../../kernels/update.ts';
