// The studio: choose data, train a detector, use it. The page; all work is done by worker.ts.
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { watchTab } from './background.ts';
import { Data } from './data.tsx';
import { Workspace } from './workspace.tsx';
import { Runs } from './runs.tsx';
import { Settings } from './settings.tsx';
import { gpu, problem, start } from './state.ts';
import { Training } from './training.tsx';
import { Use } from './use.tsx';

function App() {
  useEffect(() => void start(), []);
  return (
    <>
      <p class="studio-gpu" data-gpu={gpu.value?.name}>
        {gpu.value === null
          ? problem.value === null && 'Looking for your GPU…'
          : `Your GPU: ${gpu.value.name}${gpu.value.isHardware ? '' : ' (software: expect minutes instead of seconds)'}`}
      </p>
      <div class="studio-problem" role="alert">
        {problem.value !== null && <p>{problem.value}</p>}
      </div>
      <Data />
      <Training />
      <Settings />
      <Use />
      <Runs />
    </>
  );
}

watchTab();
const root = document.getElementById('studio')!;
root.replaceChildren();
render(<App />, root);

// Beside the studio, whose rules for buttons and headings are not those of the annotator.
const beside = document.createElement('div');
document.body.append(beside);
render(<Workspace />, beside);
