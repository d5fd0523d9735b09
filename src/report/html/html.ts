import { classSection } from './class-section.ts';
import { confusionSection, imageSection, scoreSection } from './judgement-sections.ts';
import type { Section } from './markup.ts';
import { page } from './page.ts';
import type { RunReport } from './run-report.ts';
import {
  boxSizeSection,
  factSection,
  glossarySection,
  pictureSection,
  reproductionSection,
  trainingSection,
} from './run-sections.ts';
import { tiles, verdict } from './verdict.ts';

/** The sections of a report, in their order. */
function sectionsOf(report: RunReport): Section[] {
  const { judgement, training, boxSizes, pictures, facts = [], reproduction } = report;
  return [
    judgement === undefined ? null : scoreSection(judgement),
    judgement === undefined ? null : classSection(judgement),
    judgement === undefined ? null : confusionSection(judgement.confusion),
    pictures === undefined ? null : pictureSection(pictures),
    judgement === undefined ? null : imageSection(judgement.perImage),
    training === undefined ? null : trainingSection(training),
    boxSizes === undefined ? null : boxSizeSection(boxSizes),
    reproduction === undefined ? null : reproductionSection(reproduction),
    facts.length === 0 ? null : factSection(facts),
    glossarySection(),
  ].filter((section) => section !== null);
}

/** The best evaluation during training, for reports without a judgement. */
function trainingVerdict({ training }: RunReport): string | null {
  const evaluations = training?.evaluations ?? [];
  if (evaluations.length === 0) return null;
  const best = evaluations.reduce((top, record) => (record.f1 > top.f1 ? record : top));
  return `The best F1 on held-out images during training was ${best.f1.toFixed(3)}, at step ${best.step.toLocaleString('en-US')}.`;
}

/**
 * A report as the text of one self-contained HTML file: no network, no script, no other file. It follows the light or dark
 * mode of the reader, fits phones and can be printed. Deterministic. Sections without data are left out; values that are
 * not defined are marked as such. Throws a RangeError for data that do not fit together (curves, confusion matrix, box
 * sizes) and for pictures that are not `data:` URIs.
 */
export function reportHtml(report: RunReport): string {
  const { title, summary, warnings, judgement } = report;
  return page({
    title,
    verdict: judgement === undefined ? trainingVerdict(report) : verdict(judgement),
    summary,
    warnings,
    top: judgement === undefined ? '' : tiles(judgement),
    sections: sectionsOf(report),
  });
}
