// Chapters of the book on detection.
import { testChapters } from './book-chapters.ts';

await testChapters(10, 18);
