// Runs the program in Node and prints what it did.
import { fit } from './fit.js';

console.log(JSON.stringify(await fit()));
