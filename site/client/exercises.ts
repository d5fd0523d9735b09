// Gives each exercise of a page its input and its button, when it is scrolled into view.
import type { Exercise, Verdict } from './exercise.ts';
import { whenSeen } from './when-seen.ts';

const load = (name: string): Promise<{ readonly exercise: Exercise }> => import(`./exercises/${name}.ts`);

async function verdictOf(exercise: Exercise, value: string): Promise<Verdict> {
  if (exercise.kind === 'text') return exercise.check(value);
  const number = Number(value.trim().replaceAll(/[,_\s](?=\d{3})/g, ''));
  if (value.trim() === '' || Number.isNaN(number)) return { right: false, say: 'Type a number.' };
  return exercise.check(number);
}

function input(exercise: Exercise, id: string): HTMLInputElement | HTMLTextAreaElement {
  if (exercise.kind === 'text' && (exercise.lines ?? 1) > 1) {
    const area = Object.assign(document.createElement('textarea'), { id, rows: exercise.lines, spellcheck: false });
    area.value = exercise.start ?? '';
    return area;
  }
  const field = Object.assign(document.createElement('input'), { id, type: 'text', autocomplete: 'off' });
  if (exercise.kind === 'number') field.inputMode = 'decimal';
  else field.value = exercise.start ?? '';
  return field;
}

async function start(section: HTMLElement): Promise<void> {
  const name = section.dataset['exercise']!;
  const { exercise } = await load(name);
  const form = document.createElement('form');
  const label = Object.assign(document.createElement('label'), {
    htmlFor: `answer-${name}`,
    textContent: exercise.label,
  });
  const field = input(exercise, label.htmlFor);
  const button = Object.assign(document.createElement('button'), { textContent: 'Check' });
  const result = document.createElement('output');
  form.append(label, field, button, result);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    button.disabled = true;
    result.className = '';
    result.textContent = 'Checking …';
    void verdictOf(exercise, field.value)
      .catch((error: unknown): Verdict => ({
        right: false,
        say: error instanceof Error ? error.message : String(error),
      }))
      .then((verdict) => {
        result.className = verdict.right ? 'right' : 'wrong';
        result.textContent = `${verdict.right ? 'Right' : 'Not yet'}. ${verdict.say}`;
        button.disabled = false;
      });
  });
  section.querySelector('.answer')!.replaceChildren(form);
}

whenSeen('[data-exercise]', start);
