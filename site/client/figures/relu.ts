// ReLU of a row of values, before and after.
import { init, relu, tensor, tidy } from 'retinagrad';
import type { Mount } from '../figure.ts';

export const mount: Mount = async (stage) => {
  await init();
  const values = Array.from({ length: 24 }, (_, i) => Math.sin(i / 3));
  const y = await tidy(() => relu(tensor(values))).data();
  const cells = values.map((x, i) => `<tr><td>${x.toFixed(2)}<td>${y[i]!.toFixed(2)}`);
  stage.innerHTML = `<table><tr><th>x<th>relu(x)${cells.join('')}</table>`;
};
