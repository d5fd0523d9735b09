// Chapters of the book on gradients, layers and networks.
import { testChapters } from './book-chapters.ts';

await testChapters(6, 9);
