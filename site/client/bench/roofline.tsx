// The roofline model (Williams, Waterman and Patterson 2009): each kernel by its operations per byte and the rate that it attained,
// under what the machine can do at most with as many operations per byte.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { kernelCases, SIZES, type BenchResult } from 'retinagrad/bench';
import { figure } from '../format.ts';

/** A kernel in the plot. */
interface Point {
  readonly name: string;
  /** Operations per byte. */
  readonly intensity: number;
  readonly gflops: number;
  /** The roof over it, in GFLOP/s. */
  readonly roof: number;
  readonly isWrong: boolean;
}

const roofAt = (intensity: number, { gflops, gbps }: BenchResult['ceiling']): number =>
  Math.min(gflops, gbps * intensity);

let intensities: ReadonlyMap<string, number> | null = null;

/** The kernels of a result that compute; copies are not in the plot. From the lowest intensity to the highest. */
function pointsOf({ cases, ceiling }: BenchResult): Point[] {
  intensities ??= new Map(kernelCases(Object.values(SIZES)).map(({ name, work }) => [name, work.intensity]));
  const points = cases.flatMap(({ name, rate, wrong }): Point[] => {
    const intensity = intensities!.get(name) ?? 0;
    if (rate === undefined || intensity === 0) return [];
    const gflops = rate.unit === 'GFLOP/s' ? rate.value : rate.value * intensity;
    return [{ name, intensity, gflops, roof: roofAt(intensity, ceiling), isWrong: typeof wrong === 'string' }];
  });
  return points.sort((a, b) => a.intensity - b.intensity);
}

/** Space around the plot for its axes. */
const LEFT = 52;
const BOTTOM = 44;
const [TOP, RIGHT] = [12, 12];

/** The powers of two that enclose values, as exponents. */
function range(values: readonly number[]): [low: number, high: number] {
  const exponents = values.map(Math.log2);
  return [Math.floor(Math.min(...exponents)) - 0.2, Math.ceil(Math.max(...exponents)) + 0.2];
}

/** Every second or fourth power of two of a range. */
function ticks([low, high]: readonly [number, number]): number[] {
  const step = high - low > 10 ? 2 : 1;
  const found: number[] = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(2 ** at);
  return found;
}

const tick = (value: number): string => (value >= 1 ? value.toLocaleString('en') : `1/${1 / value}`);

interface Series {
  readonly label: string;
  readonly result: BenchResult;
}

/** Nothing for results without kernels that compute. @param other drawn in grey behind `own` */
export function Roofline({ own, other }: { readonly own: Series; readonly other: Series | null }) {
  const points = pointsOf(own.result);
  return points.length === 0 ? null : <Plot own={own} other={other} points={points} />;
}

interface PlotProps {
  readonly own: Series;
  readonly other: Series | null;
  readonly points: readonly Point[];
}

function Plot({ own, other, points }: PlotProps) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useSignal(720);
  const chosen = useSignal<string | null>(null);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => (width.value = Math.max(280, entry!.contentRect.width)));
    observer.observe(frame.current!);
    return () => observer.disconnect();
  }, []);
  const behind = other === null ? [] : pointsOf(other.result);
  const height = Math.min(420, Math.max(260, width.value * 0.55));
  const roofs = [own, ...(other === null ? [] : [other])].map(({ result }) => result.ceiling);
  const all = [...points, ...behind];
  const [x0, x1] = range([...all.map(({ intensity }) => intensity), ...roofs.map(({ gflops, gbps }) => gflops / gbps)]);
  const [y0, y1] = range([...all.map(({ gflops }) => gflops), ...roofs.map(({ gflops }) => gflops)]);
  const x = (intensity: number): number =>
    LEFT + ((Math.log2(intensity) - x0) / (x1 - x0)) * (width.value - LEFT - RIGHT);
  const y = (gflops: number): number => TOP + ((y1 - Math.log2(gflops)) / (y1 - y0)) * (height - TOP - BOTTOM);
  const roof = (ceiling: BenchResult['ceiling']): string => {
    const start = Math.max(2 ** x0, 2 ** y0 / ceiling.gbps);
    const corners = [start, ceiling.gflops / ceiling.gbps, 2 ** x1].filter((at) => at >= start);
    return corners.map((at) => `${x(at)},${y(roofAt(at, ceiling))}`).join(' ');
  };
  const nearest = (event: PointerEvent): void => {
    const box = frame.current!.getBoundingClientRect();
    const away = ({ intensity, gflops }: Point): number =>
      Math.hypot(x(intensity) - (event.clientX - box.left), y(gflops) - (event.clientY - box.top));
    chosen.value = points.reduce((best, point) => (away(point) < away(best) ? point : best)).name;
  };
  const point = points.find(({ name }) => name === chosen.value) ?? points.at(-1)!;
  const before = behind.find(({ name }) => name === point.name);
  return (
    <figure class="roofline">
      <div ref={frame} onPointerMove={nearest} onPointerDown={nearest}>
        <svg
          width={width.value}
          height={height}
          role="img"
          aria-label={`Roofline of ${points.length} kernels: operations per byte, and GFLOP/s. The table below has the figures.`}
        >
          {ticks([x0, x1]).map((at) => (
            <g key={at}>
              <line class="grid" x1={x(at)} x2={x(at)} y1={TOP} y2={height - BOTTOM} />
              <text x={x(at)} y={height - BOTTOM + 16} text-anchor="middle">
                {tick(at)}
              </text>
            </g>
          ))}
          {ticks([y0, y1]).map((at) => (
            <g key={at}>
              <line class="grid" x1={LEFT} x2={width.value - RIGHT} y1={y(at)} y2={y(at)} />
              <text x={LEFT - 8} y={y(at) + 4} text-anchor="end">
                {tick(at)}
              </text>
            </g>
          ))}
          <text x={(LEFT + width.value) / 2} y={height - 6} text-anchor="middle">
            operations per byte
          </text>
          <text x={-(TOP + height - BOTTOM) / 2} y={12} text-anchor="middle" transform="rotate(-90)">
            GFLOP/s
          </text>
          {other !== null && <polyline class="roof-line other" points={roof(other.result.ceiling)} />}
          <polyline class="roof-line" points={roof(own.result.ceiling)} />
          {behind.map(({ name, intensity, gflops }) => (
            <circle key={name} class="other" cx={x(intensity)} cy={y(gflops)} r={3.5} />
          ))}
          {points.map(({ name, intensity, gflops, isWrong }) => (
            <circle key={name} class={isWrong ? 'wrong' : ''} cx={x(intensity)} cy={y(gflops)} r={4} />
          ))}
          <circle class="chosen" cx={x(point.intensity)} cy={y(point.gflops)} r={7} />
        </svg>
      </div>
      <figcaption>
        <label>
          Kernel{' '}
          <select value={point.name} onChange={(event) => (chosen.value = event.currentTarget.value)}>
            {points.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <span>
          {figure(point.intensity)} operations per byte, {figure(point.gflops)} GFLOP/s,{' '}
          {((100 * point.gflops) / point.roof).toFixed(0)} % of the {figure(point.roof)} under the roof
          {point.isWrong ? '; its result is WRONG' : ''}
          {before === undefined ? '' : `. ${other!.label}: ${figure(before.gflops)} GFLOP/s`}
        </span>
      </figcaption>
    </figure>
  );
}
