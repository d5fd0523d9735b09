// Charts of training, by uPlot, which draws ten thousand points in milliseconds.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { evaluations, steps } from './state.ts';

/** Colours that are seen on a light and on a dark page. */
export const COLOURS = ['#3b82c4', '#d9822b', '#2f9e6e', '#b25fc4', '#c44a4a', '#7a7f87'] as const;
const GREY = '#8a8f98';
const GRID = '#8a8f9833';
const HEIGHT = 220;

interface Line {
  readonly label: string;
  readonly colour: string;
  readonly scale?: string;
}

interface ChartProps {
  readonly title: string;
  /** Read aloud in place of the picture. */
  readonly summary: string;
  readonly lines: readonly Line[];
  /** Values of x, then those of each line. */
  readonly data: readonly (readonly (number | null)[])[];
  /** Fixed range of y. */
  readonly range?: readonly [number, number];
}

const axis = (more: uPlot.Axis): uPlot.Axis => ({
  stroke: GREY,
  grid: { stroke: GRID, width: 1 },
  ticks: { stroke: GRID, width: 1 },
  font: '12px system-ui, sans-serif',
  ...more,
});

export function Chart({ title, summary, lines, data, range }: ChartProps) {
  const stage = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const key = lines.map(({ label }) => label).join();
  useEffect(() => {
    const element = stage.current!;
    const hasRate = lines.some(({ scale }) => scale === 'rate');
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        scales: { x: { time: false }, ...(range === undefined ? {} : { y: { range: [...range] } }) },
        axes: [
          axis({}),
          axis({ size: 44 }),
          ...(hasRate ? [axis({ scale: 'rate', side: 1, size: 56, grid: { show: false } })] : []),
        ],
        series: [
          { label: 'step' },
          ...lines.map(({ label, colour, scale }) => ({
            label,
            stroke: colour,
            width: 1.5,
            scale: scale ?? 'y',
            spanGaps: true,
            points: { show: scale === undefined && range !== undefined, size: 5 },
          })),
        ],
        legend: { live: false },
        cursor: { drag: { x: false, y: false } },
      },
      data as unknown as uPlot.AlignedData,
      element,
    );
    chart.current = made;
    const resize = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
    };
  }, [key]);
  useEffect(() => {
    const frame = requestAnimationFrame(() => chart.current?.setData(data as unknown as uPlot.AlignedData));
    return () => cancelAnimationFrame(frame);
  }, [data]);
  return (
    <figure class="studio-chart">
      <figcaption>{title}</figcaption>
      <div ref={stage} role="img" aria-label={summary} />
    </figure>
  );
}

/** Loss and learning rate of each step. */
export function LossChart() {
  const list = steps.value;
  const last = list.at(-1);
  return (
    <Chart
      title="Loss and learning rate"
      summary={
        last === undefined
          ? 'No step yet'
          : `Loss ${list[0]!.loss.toFixed(3)} at step ${list[0]!.step}, ${last.loss.toFixed(3)} at step ${last.step}`
      }
      lines={[
        { label: 'loss', colour: COLOURS[0] },
        { label: 'learning rate', colour: COLOURS[5], scale: 'rate' },
      ]}
      data={[list.map(({ step }) => step), list.map(({ loss }) => loss), list.map(({ learningRate }) => learningRate)]}
    />
  );
}

/** F1, precision and recall of each evaluation. */
export function QualityChart() {
  const list = evaluations.value;
  const of = (name: 'f1' | 'precision' | 'recall') => list.map((record) => record[name]);
  return (
    <Chart
      title="On the held-out images"
      summary={
        list.length === 0
          ? 'No evaluation yet'
          : `F1 after each evaluation: ${of('f1')
              .map((f1) => f1.toFixed(2))
              .join(', ')}`
      }
      lines={[
        { label: 'F1', colour: COLOURS[0] },
        { label: 'precision', colour: COLOURS[1] },
        { label: 'recall', colour: COLOURS[2] },
      ]}
      range={[0, 1]}
      data={[list.map(({ step }) => step), of('f1'), of('precision'), of('recall')]}
    />
  );
}
