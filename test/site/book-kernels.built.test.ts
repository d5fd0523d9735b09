// Chapters of the book on kernels. Each part of the book has a file of its own, because a file has ten minutes.
import { testChapters } from './book-chapters.ts';

await testChapters(1, 5);
