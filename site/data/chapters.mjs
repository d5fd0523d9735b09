// The chapters of the book, in reading order. A chapter without a page is left out of the contents and of the links between
// chapters, so that an unfinished book has no dead link.
import { existsSync } from 'node:fs';

const CHAPTERS = [
  [
    '01-thread',
    'What a thread computes',
    'One line of WGSL, run once for each element: indices, workgroups and the guard at the end.',
  ],
  [
    '02-memory',
    'Memory and workgroups',
    'Where values live, what neighbouring threads share, and a sum that needs barriers.',
  ],
  [
    '03-matmul',
    'The matrix product',
    'From one thread for each element to tiles and registers: how often is a number loaded?',
  ],
  [
    '04-convolution',
    'Convolution as a product',
    'Patches as rows of a matrix, built without being stored; Winograd with fewer multiplications.',
  ],
  [
    '05-convolution-gradients',
    'The gradients of a convolution',
    'Both are convolutions again: one with the filter turned, one with the roles exchanged.',
  ],
  ['06-autograd', 'Reverse mode', 'Forty lines for numbers, and the same idea for tensors on a GPU.'],
  ['07-layers', 'Layers and batch normalisation', 'Parameters, buffers, and why training and evaluation differ.'],
  ['08-optimizers', 'Optimizers and schedules', 'SGD, momentum, Adam; how long a step may be and when to shorten it.'],
  ['09-resnet', 'ResNet', 'Why fifty layers train when each only adds to the one before.'],
  ['10-pyramid', 'The feature pyramid', 'Detail from early layers, meaning from late ones, added at every scale.'],
  ['11-anchors', 'Anchors', 'A fixed set of boxes on every image, from which all others are measured.'],
  ['12-matching', 'Matching', 'Which anchor is responsible for which object, and which must stay silent.'],
  ['13-focal-loss', 'The focal loss', 'A hundred thousand easy negatives against a few objects.'],
  ['14-box-coding', 'Box coding', 'Four numbers that move and stretch an anchor.'],
  ['15-suppression', 'Suppression', 'One object, many boxes: which one stays.'],
  ['16-metrics', 'Precision, recall, F1 and AP', 'What counts as found, and what a single number hides.'],
  ['17-training', 'Training a detector', 'All parts together: what to watch while the loss falls.'],
  ['18-overhead', 'Overhead imagery', 'Small objects, large rasters, coordinates on the ground.'],
];

const exists = ([name]) => existsSync(new URL(`../pages/book/${name}.md`, import.meta.url));

export default CHAPTERS.map((chapter, i) => ({ chapter, number: i + 1 }))
  .filter(({ chapter }) => exists(chapter))
  .map(({ chapter: [name, title, summary], number }) => ({ number, name, title, summary, url: `/book/${name}/` }));
