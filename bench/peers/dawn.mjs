import { openAdapter, isSoftware } from '../../src/node/adapter.ts';
import { waitAsleep } from '../../src/node/init.ts';

// What libraries for browsers need in Node: Dawn behind `navigator.gpu`, on the adapter that retinagrad chooses. Counts
// the bytes of buffers, and waits as retinagrad does.

/** Opens the adapter and makes it the only one that `navigator.gpu` offers. */
export async function browserLike() {
  const { gpu, adapter } = await openAdapter(process.env.PEERS_ADAPTER || undefined);
  const peakBytes = countBytes();
  nap(globalThis.GPUQueue.prototype, 'onSubmittedWorkDone');
  nap(globalThis.GPUBuffer.prototype, 'mapAsync');
  const requestDevice = adapter.requestDevice.bind(adapter);
  const patched = {
    // TensorFlow.js 4.22 asks for a feature as a list of one, which Dawn refuses.
    requestDevice: (/** @type {GPUDeviceDescriptor} */ descriptor = {}) =>
      requestDevice({ ...descriptor, requiredFeatures: [...(descriptor.requiredFeatures ?? [])].flat() }),
  };
  const offered = new Proxy(adapter, {
    get(target, key) {
      if (Object.hasOwn(patched, key)) return patched[key];
      const value = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const navigator = {
    userAgent: `Node/${process.versions.node} Chrome`,
    gpu: {
      owner: gpu, // Dawn crashes when this is collected before the device.
      requestAdapter: () => Promise.resolve(offered),
      getPreferredCanvasFormat: () => 'rgba8unorm',
      wgslLanguageFeatures: gpu.wgslLanguageFeatures,
    },
  };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  return { adapter: describe(adapter), peakBytes };
}

/** The description of an adapter in results. */
function describe(/** @type {GPUAdapter} */ { info }) {
  return { name: info.description || info.device, kind: isSoftware(info) ? 'software' : 'hardware' };
}

/** Counts the bytes of buffers that exist. Call it before the first device is made. */
function countBytes() {
  let [bytes, peak] = [0, 0];
  const alive = new WeakSet();
  replace(
    globalThis.GPUDevice.prototype,
    'createBuffer',
    (create) =>
      function (descriptor) {
        const buffer = create.call(this, descriptor);
        alive.add(buffer);
        bytes += descriptor.size;
        peak = Math.max(peak, bytes);
        return buffer;
      },
  );
  replace(
    globalThis.GPUBuffer.prototype,
    'destroy',
    (destroy) =>
      function () {
        if (alive.delete(this)) bytes -= this.size;
        return destroy.call(this);
      },
  );
  return () => peak;
}

/** Dawn polls without pauses while one of its promises is pending, which takes a core from a software adapter. */
function nap(prototype, method) {
  replace(
    prototype,
    method,
    (original) =>
      function (...args) {
        return waitAsleep(original.apply(this, args));
      },
  );
}

/** Replaces a method by the result of `wrap` on it. */
function replace(prototype, name, wrap) {
  prototype[name] = wrap(prototype[name]);
}
