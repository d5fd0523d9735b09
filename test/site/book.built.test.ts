// The first half of the book, on kernels and networks. Each half has a file of its own, because a file has ten minutes.
import { testChapters } from './book-chapters.ts';

await testChapters(1, 9);
