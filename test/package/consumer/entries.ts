// Every entry of the package resolves, with types and at run time.
import * as retinagrad from 'retinagrad';
import * as bench from 'retinagrad/bench';
import * as data from 'retinagrad/data';
import * as detector from 'retinagrad/detector';
import * as evaluation from 'retinagrad/evaluation';
import * as geo from 'retinagrad/geo';
import * as report from 'retinagrad/report';
import * as single from 'retinagrad/retinagrad.min.js';
import * as train from 'retinagrad/train';

for (const entry of [retinagrad, data, detector, evaluation, report, train, bench, geo, single]) {
  if (Object.keys(entry).length === 0) throw new Error('an entry of the package has no names');
}
